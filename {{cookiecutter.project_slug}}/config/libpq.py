"""Addresses of Django's database for libraries that do not use Django."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from psycopg.pq import Conninfo

# Other options, such as `pool`, are Django's own.
OPTIONS = {option.keyword.decode() for option in Conninfo.get_defaults()}


def libpq_url(scheme: str, database: Mapping[str, Any], **options: object) -> str:
    """Return the libpq URL of a database in `DATABASES`."""
    place = {key.lower(): database[key] for key in ("HOST", "PORT") if database[key]}
    options |= {**database.get("OPTIONS", {}), **place}
    query = urlencode({key: options[key] for key in options if key in OPTIONS}, quote_via=quote)
    parts = ("USER", "PASSWORD", "HOST", "NAME")
    user, password, host, name = [quote(database[part], safe="") for part in parts]
    return f"{scheme}://{user}:{password}@{host}/{name}?{query}"

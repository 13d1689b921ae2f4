"""What makes the address of a PostgreSQL unsafe in production."""

import os
from collections.abc import Iterator

from django.core.checks import CheckMessage
from psycopg.conninfo import conninfo_to_dict

from config.checks.connections import check_password, check_way

ENCRYPTED = ("require", "verify-ca", "verify-full")
HINT = "Add ?sslmode=verify-full to it. sslrootcert can name a file of authorities to trust."


def check_address(setting: str, address: str) -> Iterator[CheckMessage]:
    """What is wrong with an address, which is DATABASE_URL unless the setting is there."""
    setting = setting if os.environ.get(setting) else "DATABASE_URL"
    options = conninfo_to_dict("postgresql:" + address.partition(":")[2])
    host = str(options.get("host") or "")
    mode = options.get("sslmode") or os.environ.get("PGSSLMODE")
    if not host or host.startswith("/"):
        # A socket file, which has an owner, and leads to this machine.
        return
    password = options.get("password")
    given = str(password) if password else None
    yield from check_password(setting, str(options.get("user")), given)
    yield from check_way(
        setting,
        host,
        encrypted=mode in ENCRYPTED,
        verified=mode in ENCRYPTED[1:],
        encrypt=HINT,
        verify=HINT,
    )

"""PostgreSQL, in containers."""

from functools import partial
from urllib.parse import urlsplit

import pytest

from tests.helpers.rendered import Composed, Word, needs

# One process renders everything, to reuse compiled templates.
pytestmark = pytest.mark.xdist_group("rendering")

# A worker of greenlets sets CONN_MAX_AGE on any database.
WORD = Word(
    r"(?i)postgres|psycopg|CONN_MAX_AGE", partial(needs, "postgresql"), ("task_queue/worker.py",)
)


def test_postgresql_keeps_its_data(composed: list[Composed]) -> None:
    servers = [found for _, *both in composed for found in both if "postgresql" in found]
    assert servers
    for found in servers:
        (volume,) = found["postgresql"]["volumes"]
        assert volume["target"] == "/var/lib/postgresql"


def test_in_production_processes_have_the_password_of_postgresql(composed: list[Composed]) -> None:
    found = [production for _, _, production in composed if "postgresql" in production]
    assert found
    for production in found:
        server = production["postgresql"]["environment"]
        url = urlsplit(production["worker"]["environment"]["DATABASE_URL"])
        assert url.username == "app"
        assert url.password == server["POSTGRES_PASSWORD"]

"""Checks for an unsafe address of the results in PostgreSQL."""

import pytest
from sqlalchemy import make_url

from config.libpq import libpq_url
from tests.production import faults
from tests.test_libpq import URLS, wanted

WEAK = "://user:user@db.example.com/name"


def test_results_use_the_address_of_the_database_by_default() -> None:
    # Other checks may report the same address.
    assert set(faults("DATABASE_URL", f"postgres{WEAK}")) == {"task_queue.W002", "task_queue.W003"}
    assert set(faults("DATABASE_URL", f"postgres{WEAK}?sslmode=verify-full")) == {"task_queue.W002"}
    assert "task_queue.W002" in faults("CELERY_RESULT_BACKEND", f"db+postgresql+psycopg{WEAK}")


@pytest.mark.parametrize("url", URLS)
def test_sqlalchemy_connects_like_django(url: str) -> None:
    database, expected = wanted(url)
    address = make_url(libpq_url("postgresql+psycopg", database))
    _, found = address.get_dialect()().create_connect_args(address)
    assert {name: str(value) for name, value in found.items()} == expected

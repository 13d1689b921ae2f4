"""An address of PostgreSQL that is not safe is found, whatever makes it so."""

import pytest

from config.checks.postgresql import check_address

SAFE = "postgres://user:unguessable@db.example.com/name?sslmode=verify-full"


@pytest.mark.parametrize(
    ("url", "ids"),
    [
        (SAFE, []),
        ("postgres://user:unguessable@localhost/name", ["celery.W010"]),
        ("postgres://user:user@localhost/name", ["celery.W007", "celery.W010"]),
        ("postgres://user:changeme@127.0.0.1/name", ["celery.W007", "celery.W010"]),
        ("postgres://user@db.example.com/name", ["celery.W007", "celery.W008"]),
        (SAFE.replace("verify-full", "prefer"), ["celery.W008"]),
        (SAFE.replace("verify-full", "require"), ["celery.W009"]),
        (SAFE.replace("verify-full", "verify-ca"), []),
        ("postgres:///name?host=/run/postgresql", []),
    ],
)
def test_an_address_that_is_not_safe_is_found(url: str, ids: list[str]) -> None:
    assert [message.id for message in check_address("DATABASE_URL", url)] == ids


def test_what_the_environment_says_of_tls_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGSSLMODE", "verify-full")
    assert list(check_address("DATABASE_URL", SAFE.partition("?")[0])) == []

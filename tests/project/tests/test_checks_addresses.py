"""Checks for addresses that are unsafe in production."""

import pytest

from task_queue.checks import check_address

LIBPQ = "postgres://user:unguessable@db.example.com/name?sslmode=verify-full"
REDIS = "rediss://:unguessable@results.example.com/0"


def found(url: str) -> list[str | None]:
    return [message.id for message in check_address("A_SETTING", url)]


@pytest.mark.parametrize(
    ("url", "ids"),
    [
        ("postgres://user:unguessable@localhost/name", []),
        ("postgres://user:user@localhost/name", ["celery.W007"]),
        ("postgres://user:changeme@127.0.0.1/name", ["celery.W007"]),
        ("postgres://user@db.example.com/name", ["celery.W007", "celery.W008"]),
        (LIBPQ, []),
        (LIBPQ.replace("verify-full", "prefer"), ["celery.W008"]),
        (LIBPQ.replace("verify-full", "require"), ["celery.W008"]),
        (LIBPQ.replace("verify-full", "verify-ca"), []),
        ("postgres:///name?host=/run/postgresql", []),
        ("amqp://localhost", ["celery.W007"]),
        ("amqp://guest:guest@broker.example.com", ["celery.W007", "celery.W008"]),
        ("amqps://user:changeme@broker.example.com", ["celery.W007"]),
        ("redis://:unguessable@results.example.com/0", ["celery.W008"]),
        (REDIS, []),
        (f"{REDIS}?ssl_cert_reqs=none", ["celery.W008"]),
        ("redis://localhost/0", ["celery.W007"]),
        ("redis+socket:///run/redis.sock", []),
        ("sentinel://:unguessable@broker.example.com/0", ["celery.W008"]),
        ("sentinel://:unguessable@broker.example.com/0?ssl_cert_reqs=required", []),
        ("sqs://", []),
        ("sqs://key:unguessable@localhost:9324", []),
        ("rpc://", []),
        ("db+sqlite:////data/results.sqlite3", []),
        ("task_queue.database_results:Backend", []),
    ],
)
def test_an_unsafe_address_is_reported(url: str, ids: list[str]) -> None:
    assert found(url) == ids


def test_libpqs_environment_variables_are_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGSSLMODE", "verify-full")
    assert found(LIBPQ.partition("?")[0]) == []

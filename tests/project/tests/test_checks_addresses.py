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
        ("postgres://user:user@localhost/name", ["task_queue.W002"]),
        ("postgres://user:changeme@127.0.0.1/name", ["task_queue.W002"]),
        ("postgres://user@db.example.com/name", ["task_queue.W002", "task_queue.W003"]),
        (LIBPQ, []),
        (LIBPQ.replace("verify-full", "prefer"), ["task_queue.W003"]),
        (LIBPQ.replace("verify-full", "require"), ["task_queue.W003"]),
        (LIBPQ.replace("verify-full", "verify-ca"), []),
        ("postgres:///name?host=/run/postgresql", []),
        ("amqp://localhost", ["task_queue.W002"]),
        ("amqp://guest:guest@broker.example.com", ["task_queue.W002", "task_queue.W003"]),
        ("amqps://user:changeme@broker.example.com", ["task_queue.W002"]),
        ("redis://:unguessable@results.example.com/0", ["task_queue.W003"]),
        (REDIS, []),
        (f"{REDIS}?ssl_cert_reqs=none", ["task_queue.W003"]),
        (f"{REDIS}?ssl_cert_reqs=CERT_NONE", ["task_queue.W003"]),
        (f"{REDIS}?ssl_cert_reqs=CERT_REQUIRED", []),
        (f"{REDIS}?ssl_check_hostname=false", ["task_queue.W003"]),
        ("redis://localhost/0", ["task_queue.W002"]),
        ("redis+socket:///run/redis.sock", []),
        ("sentinel://:unguessable@broker.example.com/0", ["task_queue.W003"]),
        ("sentinel://:unguessable@broker.example.com/0?ssl_cert_reqs=required", []),
        ("sqs://", []),
        ("sqs://key:unguessable@localhost:9324", []),
        ("rpc://", []),
        ("db+sqlite:////data/results.sqlite3", []),
        ("task_queue.results:Backend", []),
    ],
)
def test_an_unsafe_address_is_reported(url: str, ids: list[str]) -> None:
    assert found(url) == ids


def test_libpqs_environment_variables_are_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGSSLMODE", "verify-full")
    assert found(LIBPQ.partition("?")[0]) == []

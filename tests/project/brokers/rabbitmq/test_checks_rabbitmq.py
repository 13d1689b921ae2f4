"""Checks for RabbitMQ's address, and for tasks that would outlast its acknowledgement timeout."""

import pytest

from tests import tasks
from tests.checks import check, found


@pytest.mark.parametrize("limit", ["1800", "0"])
def test_a_default_time_limit_that_is_too_long_is_reported(limit: str) -> None:
    said = check(CELERY_TASK_TIME_LIMIT=limit)
    assert f"(task_queue.W009) CELERY_TASK_TIME_LIMIT is {limit}" in said


def test_a_task_with_a_time_limit_that_is_too_long_is_reported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tasks.add, "time_limit", 3600)
    [fault] = found()
    assert fault.startswith("task_queue.W009: The time limit of tests.tasks.add is 3600")


def test_a_task_that_is_acknowledged_early_may_run_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tasks.add, "time_limit", 3600)
    monkeypatch.setattr(tasks.add, "acks_late", False)
    assert found() == []


def test_options_of_the_address_are_refused() -> None:
    said = check(CELERY_BROKER_URL="amqps://ada:sesame@rabbitmq.example.com?ssl_ca_certs=/ca.pem")
    assert said.startswith("ERROR: CELERY_BROKER_URL takes no options: ")
    assert "SSL_CERT_FILE" in said
    assert said.count("\n") == 1

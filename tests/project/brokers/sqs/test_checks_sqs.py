"""Checks for a stand-in for SQS in production, and for tasks that would outlast a lease."""

import pytest

from tests import tasks
from tests.checks import check, found
from tests.production import faults


@pytest.mark.parametrize(
    ("url", "ids"),
    [("sqs://", []), ("sqs://test:test@localhost:9324", ["task_queue.W002"])],
)
def test_an_address_outside_amazon_is_reported(url: str, ids: list[str]) -> None:
    assert faults("CELERY_BROKER_URL", url) == ids


@pytest.mark.parametrize("limit", ["43200", "0"])
def test_a_default_time_limit_that_is_too_long_is_reported(limit: str) -> None:
    said = check(CELERY_TASK_TIME_LIMIT=limit)
    assert f"(task_queue.W008) CELERY_TASK_TIME_LIMIT is {limit}" in said


def test_a_task_with_a_time_limit_that_is_too_long_is_reported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tasks.add, "time_limit", 43200)
    [fault] = found()
    assert fault.startswith("task_queue.W008: The time limit of tests.tasks.add is 43200")
    # Acknowledged early, it needs no lease.
    monkeypatch.setattr(tasks.add, "acks_late", False)
    assert found() == []

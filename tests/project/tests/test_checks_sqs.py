"""A stand-in for Amazon SQS is found before production, and so is a task that runs for too long."""

import pytest

from tests import tasks
from tests.checks import check, found
from tests.production import faults


@pytest.mark.parametrize(
    ("url", "ids"),
    [("sqs://", []), ("sqs://test:test@localhost:9324", ["celery.W007"])],
)
def test_an_address_that_is_not_amazon_s_is_found(url: str, ids: list[str]) -> None:
    assert faults("CELERY_BROKER_URL", url) == ids


@pytest.mark.parametrize("limit", ["43200", "0"])
def test_a_project_whose_tasks_may_run_too_long_is_found(limit: str) -> None:
    said = check(CELERY_TASK_TIME_LIMIT=limit)
    assert f"(celery.W013) CELERY_TASK_TIME_LIMIT is {limit}" in said


def test_a_task_that_may_run_too_long_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks.add, "time_limit", 43200)
    [fault] = found()
    assert fault.startswith("celery.W013: The time limit of tests.tasks.add is 43200")
    # It leaves the queue when it starts.
    monkeypatch.setattr(tasks.add, "acks_late", False)
    assert found() == []

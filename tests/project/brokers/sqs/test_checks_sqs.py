"""Checks for a stand-in for SQS in production, for tasks that would outlast a lease, and limits."""

import runpy

import pytest

from config.env import env
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


@pytest.mark.parametrize(("name", "value"), [("TASK_LEASE", "36001"), ("SQS_WAIT_TIME", "21")])
def test_times_beyond_the_limits_of_sqs_are_refused(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(env.ENVIRON, name, value)
    with pytest.raises(SystemExit):
        runpy.run_path("config/settings/celery.py")
    said = capsys.readouterr().err
    assert said.startswith(f"ERROR: {name} is not a number of seconds from ")

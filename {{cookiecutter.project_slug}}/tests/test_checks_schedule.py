"""A periodic task that would outlast the visibility timeout is found before it runs twice."""

import pytest

from config import celery_app
from tests.checks import found


def test_a_periodic_task_that_waits_too_long_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = {"task": "tests.tasks.add", "schedule": 60, "options": {"countdown": 3300}}
    monkeypatch.setitem(celery_app.conf, "beat_schedule", {"sums": entry})
    [fault] = found()
    assert fault.startswith("celery.W004: 'sums' in CELERY_BEAT_SCHEDULE waits 3300 seconds")

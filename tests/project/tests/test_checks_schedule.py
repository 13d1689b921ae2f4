"""A periodic task that would outlast the visibility timeout is found before it runs twice."""

import pytest

from config import celery_app
from tests.checks import found


@pytest.mark.parametrize(
    "options", [{"countdown": 3300}, {"time_limit": 3600}, {"countdown": 60, "time_limit": 3580}]
)
def test_a_periodic_task_that_takes_too_long_is_found(
    options: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = {"task": "tests.tasks.add", "schedule": 60, "options": options}
    monkeypatch.setitem(celery_app.conf, "beat_schedule", {"sums": entry})
    [fault] = found()
    waits = options.get("countdown", 0)
    assert fault.startswith(f"celery.W004: 'sums' in CELERY_BEAT_SCHEDULE may wait {waits} seconds")

"""A delay or a time limit that would make a task run twice is refused when it is sent."""

from datetime import timedelta
from typing import Any

import pytest
from celery import Task
from django.conf import settings
from django.utils import timezone

from config import celery_app
from tests.fixtures import Notes, Process
from tests.machinery_tasks import fail_and_retry_too_late, retry_too_late
from tests.tasks import record
from tests.test_retries import failure


@pytest.mark.parametrize("countdown", [settings.VISIBILITY_TIMEOUT, 10**6])
def test_a_delay_beyond_the_visibility_timeout_is_refused(notes: Notes, countdown: int) -> None:
    with pytest.raises(ValueError, match="would run twice"):
        record.apply_async(("twice", notes.path), countdown=countdown)
    with pytest.raises(ValueError, match="would run twice"):
        record.apply_async(("twice", notes.path), eta=timezone.now() + timedelta(seconds=countdown))


@pytest.mark.parametrize(
    "options",
    [
        {"time_limit": settings.VISIBILITY_TIMEOUT},
        {"time_limit": settings.VISIBILITY_TIMEOUT - 60, "countdown": 60},
    ],
)
def test_a_time_limit_beyond_the_visibility_timeout_is_refused(
    notes: Notes, options: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match="would run twice"):
        record.apply_async(("twice", notes.path), **options)


def test_a_task_s_own_time_limit_counts(notes: Notes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "time_limit", settings.VISIBILITY_TIMEOUT - 60)
    with pytest.raises(ValueError, match="would run twice"):
        celery_app.send_task(record.name, ("twice", notes.path), countdown=60)


def test_a_delay_within_the_visibility_timeout_is_kept(notes: Notes, worker: Process) -> None:
    record.apply_async(("later", notes.path), countdown=1, time_limit=60)
    assert notes.wait() == ["later"]


@pytest.mark.parametrize(
    "task", [retry_too_late, fail_and_retry_too_late], ids=["retry", "autoretry"]
)
def test_a_retry_beyond_the_visibility_timeout_is_a_failure(
    task: Task, notes: Notes, worker: Process
) -> None:
    assert "would run twice" in failure(worker, task.delay(notes.path))
    assert notes.lines == ["trying"]

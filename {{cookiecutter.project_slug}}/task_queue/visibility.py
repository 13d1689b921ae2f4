"""Refuses what would outlast the visibility timeout: another worker would run the task as well."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import celery
from celery import Task, current_app
from celery.utils.time import subtract_datetimes  # type: ignore[attr-defined]
from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.checks import Warning as CheckWarning


class Celery(celery.Celery):
    """Celery that refuses a delay or a time limit which would make a task run twice.

    A worker holds a task until it is due. If the visibility timeout ends before that, or while
    the task runs, another worker gets the task too.
    """

    def send_task(  # type: ignore[override]
        self,
        name: str,
        args: Any = None,
        kwargs: Any = None,
        countdown: float | None = None,
        eta: datetime | str | None = None,
        **options: Any,
    ) -> Any:
        delay = countdown or 0
        if isinstance(eta, str):
            eta = datetime.fromisoformat(eta)
        if eta:
            delay = subtract_datetimes(eta, self.now()).total_seconds()
        limit = options.get("time_limit") or time_limit(self.tasks.get(name))
        if delay + limit >= settings.VISIBILITY_TIMEOUT:
            raise ValueError(
                f"{name} is to wait {delay:.0f} seconds and may then run for {limit:g}: longer than"
                f" the visibility timeout, {settings.VISIBILITY_TIMEOUT} seconds, so it would run"
                " twice. Shorten the wait or its time limit, raise CELERY_VISIBILITY_TIMEOUT, or"
                " keep the time in the database and let a periodic task send what is due."
            )
        return super().send_task(name, args, kwargs, countdown, eta, **options)


@register
def check_time_limits(**kwargs: Any) -> list[CheckMessage]:
    """Check that a task is done, or killed, before the broker delivers it again."""
    limits = {"CELERY_TASK_TIME_LIMIT": current_app.conf.task_time_limit}
    for task in late_tasks():
        if task.time_limit:
            limits[f"The time limit of {task.name}"] = task.time_limit
    return [
        Error(
            f"{name} is {limit}: it must be below the visibility timeout,"
            f" {settings.VISIBILITY_TIMEOUT} seconds, or a task that takes longer runs twice at the"
            " same time.",
            hint="Lower it, or raise CELERY_VISIBILITY_TIMEOUT.",
            id="celery.E001",
        )
        for name, limit in limits.items()
        if not limit or limit >= settings.VISIBILITY_TIMEOUT
    ]


@register
def check_waits(**kwargs: Any) -> Iterator[CheckMessage]:
    """Check the waits for retries and of the schedule: a worker holds the task meanwhile."""
    for name, delay, limit in waits():
        if delay + limit >= settings.VISIBILITY_TIMEOUT:
            yield CheckWarning(
                f"{name} may wait {delay:g} seconds and then run for {limit:g}: longer than the"
                f" visibility timeout, {settings.VISIBILITY_TIMEOUT} seconds, so it would run"
                " twice.",
                hint="Lower the wait or the time limit, or raise CELERY_VISIBILITY_TIMEOUT.",
                id="celery.W004",
            )


def waits() -> Iterator[tuple[str, float, float]]:
    """Yield the name, the longest wait, and the time limit of each task that may wait."""
    tasks: dict[str, Task] = {task.name: task for task in late_tasks()}
    for task in tasks.values():
        if delay := retry_delay(task):
            yield task.name, delay, time_limit(task)
    for name, entry in current_app.conf.beat_schedule.items():
        options = entry.get("options", {})
        if options.keys() & {"countdown", "time_limit"}:
            limit = options.get("time_limit") or time_limit(tasks.get(entry["task"]))
            yield f"{name!r} in CELERY_BEAT_SCHEDULE", options.get("countdown", 0), limit


def late_tasks() -> list[Task]:
    """Return the tasks that stay with the broker until they are done."""
    current_app.autodiscover_tasks(force=True)
    return [task for task in current_app.tasks.values() if task.acks_late]


def time_limit(task: Task | None) -> float:
    """Return how long a task may run, in seconds; the default's if it is unknown here."""
    return (task and task.time_limit) or current_app.conf.task_time_limit or 0


def retry_delay(task: Task) -> float:
    """Return how long a task may wait before Celery retries it by itself, in seconds."""
    if not getattr(task, "autoretry_for", ()):
        return 0
    if not (backoff := getattr(task, "retry_backoff", False)):
        return task.default_retry_delay
    longest: float = getattr(task, "retry_backoff_max", 600)
    if task.max_retries is None:
        return longest
    return min(longest, max(1, int(backoff)) * 2.0 ** (task.max_retries - 1))

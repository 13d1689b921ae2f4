"""Tasks that outlast the visibility timeout: a second worker would run them as well."""

from typing import Any

from celery import Task
from django.core.checks import CheckMessage, Error, register
from django.core.checks import Warning as CheckWarning

from config import celery_app


@register
def check_time_limits(**kwargs: Any) -> list[CheckMessage]:
    """A task must be done, or killed, before the broker gives it out again."""
    limits = {"CELERY_TASK_TIME_LIMIT": celery_app.conf.task_time_limit}
    for task in tasks():
        if task.time_limit:
            limits[f"The time limit of {task.name}"] = task.time_limit
    return [
        Error(
            f"{name} is {limit}: it must be below the visibility timeout, {visibility_timeout()} "
            "seconds, or a task that takes longer runs twice at the same time.",
            hint="Lower it, or raise CELERY_VISIBILITY_TIMEOUT.",
            id="celery.E001",
        )
        for name, limit in limits.items()
        if not limit or limit >= visibility_timeout()
    ]


@register
def check_retries(**kwargs: Any) -> list[CheckMessage]:
    """A worker holds a task until its retry is due, so the wait counts as well."""
    return [
        CheckWarning(
            f"{task.name} may wait {delay:g} seconds for a retry and then run for "
            f"{time_limit(task)}: longer than the visibility timeout, {visibility_timeout()} "
            "seconds, so it would run twice.",
            hint="Lower its longest delay or its time limit, or raise CELERY_VISIBILITY_TIMEOUT.",
            id="celery.W004",
        )
        for task in tasks()
        if (delay := retry_delay(task)) and delay + time_limit(task) >= visibility_timeout()
    ]


def visibility_timeout() -> int:
    seconds: int = celery_app.conf.broker_transport_options["visibility_timeout"]
    return seconds


def tasks() -> list[Task]:
    """The tasks that stay with the broker until they are done."""
    celery_app.autodiscover_tasks(force=True)
    return [task for task in celery_app.tasks.values() if task.acks_late]


def time_limit(task: Task) -> float:
    return task.time_limit or celery_app.conf.task_time_limit or 0


def retry_delay(task: Task) -> float:
    """How long a task may wait before Celery retries it by itself, in seconds."""
    if not getattr(task, "autoretry_for", ()):
        return 0
    if not (backoff := getattr(task, "retry_backoff", False)):
        return task.default_retry_delay
    longest: float = getattr(task, "retry_backoff_max", 600)
    if task.max_retries is None:
        return longest
    return min(longest, max(1, int(backoff)) * 2.0 ** (task.max_retries - 1))

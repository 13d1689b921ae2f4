"""Periodic tasks that outlast the visibility timeout."""

from typing import Any

from django.core.checks import CheckMessage, register
from django.core.checks import Warning as CheckWarning

from config import celery_app
from config.checks.visibility import tasks, time_limit, visibility_timeout


@register
def check_schedule(**kwargs: Any) -> list[CheckMessage]:
    """A countdown counts like a run: a worker holds the task until it is due."""
    limits = {task.name: time_limit(task) for task in tasks()}
    return [
        CheckWarning(
            f"{name!r} in CELERY_BEAT_SCHEDULE waits {countdown} seconds and may then run for "
            f"{limits[entry['task']]}: longer than the visibility timeout, {visibility_timeout()} "
            "seconds, so it would run twice.",
            hint="Schedule it later instead, or raise CELERY_VISIBILITY_TIMEOUT.",
            id="celery.W004",
        )
        for name, entry in celery_app.conf.beat_schedule.items()
        if (countdown := entry.get("options", {}).get("countdown", 0))
        and countdown + limits.get(entry["task"], 0) >= visibility_timeout()
    ]

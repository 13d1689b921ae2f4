"""Periodic tasks that outlast the visibility timeout."""

from collections.abc import Iterator
from typing import Any

from django.core.checks import CheckMessage, register
from django.core.checks import Warning as CheckWarning

from config import celery_app
from config.checks.visibility import tasks, time_limit, visibility_timeout


@register
def check_schedule(**kwargs: Any) -> Iterator[CheckMessage]:
    """A countdown counts like a run: a worker holds the task until it is due."""
    limits = {task.name: time_limit(task) for task in tasks()}
    for name, entry in celery_app.conf.beat_schedule.items():
        options = entry.get("options", {})
        countdown = options.get("countdown", 0)
        limit = options.get("time_limit") or limits.get(entry["task"], 0)
        if not options.keys() & {"countdown", "time_limit"}:
            # Another check looks at what the task itself says.
            continue
        if countdown + limit >= visibility_timeout():
            yield CheckWarning(
                f"{name!r} in CELERY_BEAT_SCHEDULE waits {countdown} seconds and may then run for "
                f"{limit}: longer than the visibility timeout, {visibility_timeout()} seconds, so "
                "it would run twice.",
                hint="Schedule it later instead, lower its time limit, or raise "
                "CELERY_VISIBILITY_TIMEOUT.",
                id="celery.W004",
            )

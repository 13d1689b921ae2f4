"""Delays that the broker can keep."""

from datetime import datetime
from typing import Any

import celery
from celery.utils.time import subtract_datetimes  # type: ignore[attr-defined]
from django.conf import settings


class Celery(celery.Celery):
    """Celery that refuses a delay which would make a task run twice.

    A worker holds a task until it is due. When the visibility timeout ends before that, or while
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
        longest = settings.VISIBILITY_TIMEOUT - settings.CELERY_TASK_TIME_LIMIT
        if delay > longest:
            raise ValueError(
                f"{name} is to wait {delay:.0f} seconds, and would run twice: keep it below"
                f" {longest}, raise CELERY_VISIBILITY_TIMEOUT, or keep the time in the database and"
                " let a periodic task send what is due."
            )
        return super().send_task(name, args, kwargs, countdown, eta, **options)

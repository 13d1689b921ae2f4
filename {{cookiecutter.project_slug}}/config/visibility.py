"""Delays that the broker can keep."""

from datetime import datetime
from typing import Any

import celery
from celery.utils.time import subtract_datetimes  # type: ignore[attr-defined]
from django.conf import settings


class Celery(celery.Celery):
    """Celery that refuses a delay, or a time limit, which would make a task run twice.

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
        limit = options.get("time_limit") or self._time_limit(name)
        if delay + limit >= settings.VISIBILITY_TIMEOUT:
            raise ValueError(
                f"{name} is to wait {delay:.0f} seconds and may then run for {limit:g}: longer than"
                f" the visibility timeout, {settings.VISIBILITY_TIMEOUT} seconds, so it would run"
                " twice. Shorten the wait or its time limit, raise CELERY_VISIBILITY_TIMEOUT, or"
                " keep the time in the database and let a periodic task send what is due."
            )
        return super().send_task(name, args, kwargs, countdown, eta, **options)

    def _time_limit(self, name: str) -> float:
        """How long the task of this name may run, in seconds."""
        task = self.tasks.get(name)
        limit: float = (task and task.time_limit) or settings.CELERY_TASK_TIME_LIMIT
        return limit

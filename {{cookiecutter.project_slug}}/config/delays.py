"""Delays that RabbitMQ can keep."""

from datetime import datetime
from typing import Any

import celery
from celery.utils.time import subtract_datetimes  # type: ignore[attr-defined]


class Celery(celery.Celery):
    """Celery whose tasks may wait for less than a second.

    RabbitMQ itself keeps a task until it is due, and counts whole seconds. Celery refuses to send
    one that is due sooner, which would lose a retry: here it waits for one second.
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
        if eta:
            due = datetime.fromisoformat(eta) if isinstance(eta, str) else eta
            countdown = subtract_datetimes(due, self.now()).total_seconds()
        if countdown and 0 < countdown < 1:
            countdown = 1
        return super().send_task(name, args, kwargs, countdown, **options)

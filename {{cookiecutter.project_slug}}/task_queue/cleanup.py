"""Deletes expired results where no beat does."""

from typing import Any

from celery import current_app
from celery.signals import worker_ready

ONE_DAY = 24 * 60 * 60


@worker_ready.connect
def delete_expired_results(sender: Any, **kwargs: Any) -> None:
    """Let each worker ask for it when it starts, and once a day."""
    cleanup = current_app.tasks["celery.backend_cleanup"].delay
    cleanup()
    sender.timer.call_repeatedly(ONE_DAY, cleanup)

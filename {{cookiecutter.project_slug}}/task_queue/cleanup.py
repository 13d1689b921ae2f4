"""Delete expired results, because no beat does."""

from typing import Any

from celery import current_app
from celery.signals import worker_ready

ONE_DAY = 24 * 60 * 60


@worker_ready.connect
def delete_expired_results(sender: Any, **kwargs: Any) -> None:
    """Send the task that deletes them when a worker starts, and once a day after that."""
    cleanup = current_app.tasks["celery.backend_cleanup"].delay
    cleanup()
    sender.timer.call_repeatedly(ONE_DAY, cleanup)

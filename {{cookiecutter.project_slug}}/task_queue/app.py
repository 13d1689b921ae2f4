"""The class of the Celery app, which sends all tasks."""

from datetime import datetime
from typing import Any

import celery
from celery.app.amqp import _callback_publish_retry  # type: ignore[attr-defined]
from celery.exceptions import Reject, SoftTimeLimitExceeded
from django.utils.timezone import get_default_timezone, is_naive, make_aware


class Celery(celery.Celery):
    def send_task(self, name: str, *args: Any, **options: Any) -> Any:
        """Send a task. A time without a zone is in TIME_ZONE: Celery would take it for UTC."""
        options |= {key: aware(options[key]) for key in ("eta", "expires") if key in options}
        if not is_sent_once(name, options):
            return super().send_task(name, *args, **options)
        options["retry_policy"] = {"max_retries": 10**6, "interval_max": 2}
        try:
            return super().send_task(name, *args, **options)
        except SoftTimeLimitExceeded as error:
            raise Reject(error, requeue=True) from error


def is_sent_once(name: str, options: dict[str, Any]) -> bool:
    """Return whether a task waits for the broker, because nobody would send it later."""
    is_periodic = "celery_beat_task" in (options.get("headers") or {}) and not celery.current_task
    polls_again = name == "celery.chord_unlock" and options.get("retries")
    # The next task of a chain, for example.
    follows = _callback_publish_retry.get()
    return bool(is_periodic or polls_again or follows)


def aware(moment: Any) -> Any:
    """Return a time without a zone in TIME_ZONE, and anything else unchanged."""
    moment = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    is_time = isinstance(moment, datetime) and is_naive(moment)
    return make_aware(moment, get_default_timezone()) if is_time else moment

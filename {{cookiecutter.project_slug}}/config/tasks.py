# {% import "brokers/" ~ cookiecutter.broker ~ ".jinja" as broker with context %}
"""What tasks of this project share."""

import logging
import random
import time
from typing import Any

from celery.contrib.django.task import DjangoTask
from celery.exceptions import Reject, Retry, SoftTimeLimitExceeded
from celery.signals import task_postrun
from django.db import OperationalError
from kombu.exceptions import OperationalError as BrokerAway

from interruptions.models import InterruptedTask

logger = logging.getLogger(__name__)


class SetAside(Exception):  # noqa: N818 - the task is at fault, not what raises this
    """Raised instead of starting a task once more that was interrupted too often."""


class Task(DjangoTask):
    """What every task of the project is.

    A task whose process dies is delivered again. One that always kills its process would do so
    for ever: after `TASK_MAX_RESTARTS` it fails instead, and is set aside for the admin.
    """

    Request = "config.requests:Request"

    @property
    def redelivered(self) -> bool:
        """Whether the broker has delivered the running task before."""
{{ broker.redelivered() }}

    def before_start(self, task_id: str, args: Any, kwargs: Any) -> None:
        if not self.redelivered:
            return
        # What died together is not started together again: one of it may kill the others.
        time.sleep(random.random())  # noqa: S311
        try:
            interrupted = InterruptedTask.count_restart(self)
        except (MemoryError, SoftTimeLimitExceeded):
            raise
        except Exception:
            # Such as a database that is down: the task runs all the same.
            logger.exception("The restart of a task could not be counted.")
            return
        if interrupted.set_aside:
            raise SetAside(
                f"{self.name} was started {interrupted.restarts} times, and its process died or was"
                " stopped each time. See Interrupted tasks in the admin."
            )

    def AsyncResult(self, task_id: str, **options: Any) -> Any:  # noqa: N802
        """Where the result is ignored, nobody waits for it in vain: `get()` returns None.

        Celery alone does so for what `delay()` returns, but not for the task that ends a group.
        """
        result = super().AsyncResult(task_id, **options)
        result.ignored = bool(self.ignore_result)
        return result

    def retry(self, *args: Any, **options: Any) -> Retry:
        """Sends the task again, in a second at the earliest.

        Sent at once, it could be done before this run has noted that it is retried: the note
        would then hide the result. While the broker is away, it keeps this run, and delivers it
        again. Where the task can never be sent, it raises why, such as EncodeError.
        """
        if options.get("countdown") is not None:
            options["countdown"] = max(1, options["countdown"])
        try:
            return super().retry(*args, **options)
        except Reject as unsent:
            reason: Exception = unsent.reason  # type: ignore[attr-defined]
        # Celery drops a task that it could not send again.
        if isinstance(reason, BrokerAway):
            raise Reject(reason, requeue=True)
        raise reason


@task_postrun.connect
def forget_restarts(sender: object, task_id: str, retval: object, **kwargs: Any) -> None:
    """A task that ended, whether well or not, was not interrupted this time."""
    # Where memory ran out, Celery ends the worker; this and what was rejected is delivered again.
    again = isinstance(retval, MemoryError | Reject)
    if isinstance(sender, Task) and sender.redelivered and not again:
        InterruptedTask.objects.filter(id=task_id, set_aside=False).delete()


class RetriedTask(Task):
    """A task that runs again when something that passes by itself went wrong.

    Use it as `@shared_task(base=RetriedTask)`. A task waits 1, 2, 4, … seconds, each drawn at
    random from one second up to that, so that many failing together do not come back together;
    after five retries it fails. More exceptions are retried by
    `autoretry_for=(*RetriedTask.autoretry_for, MyError)`.
    """

    autoretry_for = (ConnectionError, TimeoutError, OperationalError)
    max_retries = 5
    retry_backoff = True
    retry_backoff_max = 600
    retry_jitter = True

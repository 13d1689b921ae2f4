# {% from "project.jinja" import broker with context %}
"""The base of your tasks: `@shared_task(base=RetriedTask)`."""

import logging
import random
import time
from typing import Any

# {% if broker.broadcasts %}
import celery
# {% endif %}
from celery.contrib.django.task import DjangoTask
from celery.exceptions import Reject, Retry, SoftTimeLimitExceeded
from celery.signals import task_postrun
from django.db import OperationalError
from kombu.exceptions import OperationalError as BrokerError

from task_queue.broker import is_redelivered
from task_queue.models import DeadLetter

logger = logging.getLogger(__name__)


class Quarantined(Exception):  # noqa: N818 - it reports a faulty task
    """Raised instead of restarting a task that was interrupted too often."""


class Task(DjangoTask):
    """The base of every task. One that kills its process each time becomes a dead letter."""

    Request = "task_queue.worker:Request"

    def before_start(self, task_id: str, args: Any, kwargs: Any) -> None:
        if not is_redelivered(self.request):
            return
        # Stagger tasks that died together: one of them may have killed the others.
        time.sleep(random.random())  # noqa: S311
        try:
            letter = DeadLetter.count_restart(self)
        except (MemoryError, SoftTimeLimitExceeded):
            raise
        except Exception:
            # The database may be down, for example. Run the task anyway.
            logger.exception("The restart of a task could not be counted.")
            return
        if letter.quarantined:
            raise Quarantined(
                f"{self.name} was started {letter.restarts} times, and its process died or was"
                " stopped each time. See Dead letters in the admin."
            )

    def retry(self, *args: Any, **options: Any) -> Retry:
        """Send the task again. If the broker is down, requeue this run; else raise the reason."""
        # Sooner, the state RETRY could overwrite the next result.
        if options.get("countdown") is not None:
            options["countdown"] = max(1, options["countdown"])
        try:
            return super().retry(*args, **options)
        except Reject as unsent:
            reason: Exception = unsent.reason  # type: ignore[attr-defined]
        if not isinstance(reason, BrokerError):
            raise reason
        # Celery would drop a task that it could not send again. Do not requeue it in a busy loop.
        time.sleep(5)
        raise Reject(reason, requeue=True)


@task_postrun.connect
def clear_restart_count(
    sender: object, task_id: str, retval: object, state: str | None, **kwargs: Any
) -> None:
    """Delete the restart count of a task that has ended, successfully or not."""
    # Delivered again: interrupted tasks, which have no state, and those that end their worker.
    again = state is None or isinstance(retval, MemoryError)
    if isinstance(sender, Task) and is_redelivered(sender.request) and not again:
        DeadLetter.objects.filter(id=task_id, quarantined=False).delete()


class RetriedTask(Task):
    """A task that is retried after a temporary error: up to five times, with growing delays.

    Add exceptions with `autoretry_for=(*RetriedTask.autoretry_for, MyError)`.
    """

    autoretry_for = (ConnectionError, TimeoutError, OperationalError)
    max_retries = 5
    retry_backoff = True
# {% if broker.broadcasts %}


def broadcast(task: celery.Task[Any, Any], *args: object, **kwargs: object) -> None:
    """Send a task to every running worker that reads the queue `broadcast`, without results."""
    queue = celery.current_app.amqp.queues["broadcast"]
    route: dict[str, Any] = {
        "exchange": queue.exchange,
        "routing_key": queue.routing_key,
        # Celery does not declare a broadcast's exchange, and a message to an unknown one is lost.
        "declare": [queue.exchange],
        # A retry would reach no worker, or all of them.
        "retries": task.max_retries or 0,
    }
    task.apply_async(args, kwargs, ignore_result=True, **route)
# {% endif %}

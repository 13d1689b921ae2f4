"""Tasks for the tests of the machinery."""

import os
import signal
import time
from unittest.mock import patch

from celery import Task, shared_task
from django.conf import settings
from kombu.exceptions import OperationalError

from config.tasks import RetriedTask
from interruptions.models import InterruptedTask
from tests.tasks import write


@shared_task(base=RetriedTask, ignore_result=True)
def record_alone(value: object, path: str) -> None:
    """Writes what it is given, and has no result."""
    write(path, str(value))


@shared_task(bind=True)
def record_worker(self: Task, path: str) -> None:
    write(path, str(self.request.hostname).partition("@")[0])


@shared_task(bind=True, base=RetriedTask)
def fail_once_more(self: Task, path: str, retries: int) -> None:
    """Fails while it was retried no more than that, and writes when each run began."""
    write(path, f"{self.request.id} {time.time()}")
    if self.request.retries == retries:
        raise TimeoutError("the other side does not answer")


@shared_task(bind=True, base=RetriedTask)
def retry_with_too_much(self: Task, path: str, text: str = "") -> None:
    """Wants to be tried again with more than a message holds."""
    write(path, "trying")
    raise self.retry(kwargs={"text": "x" * settings.MESSAGE_MAX_BYTES})


@shared_task(bind=True)
def retry_while_away(self: Task, path: str) -> None:
    """Wants to be tried again, and cannot reach the broker."""
    write(path, "trying")
    with patch.object(self.app, "send_task", side_effect=OperationalError("away")):
        raise self.retry(countdown=1)


@shared_task
def die_once(path: str, value: object = None) -> None:
    """Kills its process, as a system does that is out of memory; not the next time."""
    interrupted = InterruptedTask.objects.filter(restarts=1).exists()
    write(path, "interrupted once" if interrupted else "dying")
    if not interrupted:
        os.kill(os.getpid(), signal.SIGKILL)
    write(path, str(value))

"""Tasks for the tests. Each writes to a file what it did, where the test waits for it."""

import os
import signal
import time
from pathlib import Path
from unittest.mock import patch

from celery import Task, shared_task
from django.conf import settings
from kombu.exceptions import OperationalError

from config.tasks import RetriedTask
from interruptions.models import InterruptedTask


def write(path: str, line: str) -> None:
    """Appends a line at once, so that lines of several processes do not mix."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(file, f"{line}\n".encode())
    os.close(file)


@shared_task
def add(x: int, y: int) -> int:
    return x + y


@shared_task(base=RetriedTask)
def record(value: object, path: str) -> None:
    """Writes what it is given: a text, or what the tasks before it returned."""
    write(path, str(value))


@shared_task(base=RetriedTask, ignore_result=True)
def record_alone(value: object, path: str) -> None:
    """Writes what it is given, and has no result."""
    write(path, str(value))


@shared_task
def record_time(path: str) -> None:
    write(path, repr(time.time()))


@shared_task(bind=True)
def record_worker(self: Task, path: str) -> None:
    write(path, str(self.request.hostname).partition("@")[0])


@shared_task(bind=True, base=RetriedTask, retry_backoff_max=1)
def fail_twice(self: Task, path: str) -> str:
    write(path, f"run {self.request.retries}")
    if self.request.retries < 2:
        raise ConnectionError("the other side is away")
    return "well"


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


@shared_task
def fail(path: str) -> None:
    write(path, "failing")
    raise ValueError("this cannot work")


@shared_task
def wait_for(path: str, until: str) -> None:
    """Runs until somebody makes the file `until`."""
    write(path, "started")
    while not Path(until).exists():
        time.sleep(0.02)
    write(path, "finished")

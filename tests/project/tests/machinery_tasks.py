"""Tasks for the tests of the machinery."""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Any
from unittest.mock import patch

from celery import Task, shared_task
from celery.exceptions import SoftTimeLimitExceeded
from kombu.exceptions import OperationalError

from task_queue.base import RetriedTask
from task_queue.models import DeadLetter
from tests.tasks import write


@shared_task(base=RetriedTask, ignore_result=True)
def record_alone(value: object, path: str) -> None:
    """Write a line, and ignore the result."""
    write(path, str(value))


@shared_task(bind=True)
def record_queue(self: Task, path: str) -> None:
    """Write the delivery info, which contains the routing key."""
    write(path, str(self.request.delivery_info))


@shared_task(bind=True, base=RetriedTask, retry_backoff_max=1)
def record_queue_twice(self: Task, path: str) -> None:
    """Write the delivery info of the first run and of its retry."""
    write(path, str(self.request.delivery_info))
    if not self.request.retries:
        raise TimeoutError("the other side does not answer")


@shared_task(bind=True)
def record_worker(self: Task, path: str) -> None:
    write(path, str(self.request.hostname).partition("@")[0])


@shared_task(bind=True, base=RetriedTask)
def fail_once_more(self: Task, path: str, retries: int) -> None:
    """Write the time of each run, and fail once after this number of retries."""
    write(path, f"{self.request.id} {time.time()}")
    if self.request.retries == retries:
        raise TimeoutError("the other side does not answer")


# Options that make a retry impossible, and the error.
IN_VAIN: dict[str, tuple[dict[str, Any], str]] = {
    "with unserializable arguments": ({"kwargs": {"text": object()}}, "not JSON serializable"),
    "to an unknown queue": ({"queue": "typo"}, "missing from task_queues"),
}


@shared_task(bind=True, base=RetriedTask)
def retry_in_vain(self: Task, path: str, how: str, text: str = "") -> None:
    write(path, "trying")
    options, _why = IN_VAIN[how]
    raise self.retry(**options)


@shared_task(base=RetriedTask, retry_kwargs={"queue": "typo"})
def fail_and_retry_in_no_queue(path: str) -> None:
    write(path, "trying")
    raise TimeoutError("the other side does not answer")


@shared_task(bind=True)
def retry_while_down(self: Task, path: str, runs: int) -> None:
    """Retry while the broker refuses tasks: during all of these runs but the last."""
    if self.request.retries:
        write(path, "retried")
        return
    write(path, "trying")
    if len(Path(path).read_text().splitlines()) == runs:
        raise self.retry(countdown=1)
    # Do not wait between the runs.
    with (
        patch.object(self.app, "send_task", side_effect=OperationalError("full")),
        patch("task_queue.base.time.sleep"),
    ):
        raise self.retry(countdown=1)


@shared_task
def interrupt(path: str) -> None:
    """Raise KeyboardInterrupt in the worker's process."""
    write(path, "starting")
    raise KeyboardInterrupt


@shared_task
def die_once(path: str, value: object = None) -> None:
    """Kill the process on the first run, like the out-of-memory killer."""
    interrupted = DeadLetter.objects.filter(restarts=1).exists()
    write(path, "interrupted once" if interrupted else "dying")
    if not interrupted:
        os.kill(os.getpid(), signal.SIGKILL)
    write(path, str(value))


@shared_task(soft_time_limit=1, time_limit=2)
def ignore_the_soft_time_limit() -> None:
    while True:
        with suppress(SoftTimeLimitExceeded):
            time.sleep(60)

"""Tasks for the tests. Each writes lines to a file, and the test waits for them."""

import os
import time
from pathlib import Path

from celery import Task, shared_task

from task_queue.base import RetriedTask


def write(path: str, line: str) -> None:
    """Append a line in one write, so that lines of several processes do not mix."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(file, f"{line}\n".encode())
    os.close(file)


@shared_task
def add(x: int, y: int) -> int:
    return x + y


@shared_task(base=RetriedTask)
def record(value: object, path: str) -> None:
    """Write a text, or what the tasks before it returned."""
    write(path, str(value))


@shared_task
def record_time(path: str) -> None:
    write(path, repr(time.time()))


@shared_task(bind=True, base=RetriedTask, retry_backoff_max=1)
def fail_twice(self: Task, path: str) -> str:
    write(path, f"run {self.request.retries}")
    if self.request.retries < 2:
        raise ConnectionError("the other side is down")
    return "well"


@shared_task
def fail(path: str) -> None:
    write(path, "failing")
    raise ValueError("this cannot work")


@shared_task
def wait_for(path: str, until: str) -> None:
    """Run until the file `until` exists."""
    write(path, "started")
    while not Path(until).exists():
        time.sleep(0.02)
    write(path, "finished")

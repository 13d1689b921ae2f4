"""Tasks that write what they did. In the project on trial, this file is tests/faults.py."""

# mypy: disable-error-code="import-not-found,untyped-decorator"

import os
import resource
import signal
import time
from pathlib import Path
from typing import Any

from celery import shared_task
from celery.signals import task_received, task_revoked
from django.contrib.auth import get_user_model
from task_queue.base import RetriedTask
from tests.tasks import write


def note(path: str, event: str, number: int) -> None:
    """Write that a task of this process did something, and when."""
    write(path, f"{event} {number} {time.time()} {os.getpid()}")


@task_received.connect
@task_revoked.connect
def note_number(request: Any, **kwargs: Any) -> None:
    """Write which message a worker takes for a task, also for one that has expired."""
    fields = getattr(request, "request_dict", vars(request))
    # In Celery's first protocol, the message has headers of its own.
    for headers in (fields, fields.get("headers")):
        if isinstance(headers, dict) and "number" in headers:
            write(os.environ["TAKEN"], str(headers["number"]))
            return


@shared_task(rate_limit=os.environ.get("RATE"))
def work(path: str, number: int, seconds: float) -> int:
    """Takes some seconds."""
    note(path, "started", number)
    time.sleep(seconds)
    note(path, "finished", number)
    return number


@shared_task
def hold(path: str, number: int, until: str) -> None:
    """Runs until there is a file."""
    note(path, "started", number)
    while not Path(until).exists():
        time.sleep(0.02)
    note(path, "finished", number)


@shared_task
def add_up(numbers: list[int]) -> int:
    """Ends a chord of `work`."""
    return sum(numbers)


@shared_task(base=RetriedTask, max_retries=None, retry_backoff_max=4)
def ask_database(path: str, number: int) -> None:
    """Needs Django's database, however long that takes to come back."""
    note(path, "started", number)
    time.sleep(0.05)
    try:
        get_user_model().objects.exists()
    except Exception:
        note(path, "failed", number)
        raise
    note(path, "finished", number)


@shared_task(base=RetriedTask, bind=True)
def fail_once(self: Any, path: str, number: int) -> None:
    """Works when it is tried again."""
    if self.request.retries == 0:
        raise ConnectionError("the other side is away")
    note(path, "started", number)
    note(path, "finished", number)


@shared_task
def kill(path: str, number: int, whom: str) -> None:
    """Kills its own process each time it runs, or its worker with all processes."""
    note(path, "started", number)
    if whom == "worker":
        os.killpg(os.getpgid(os.getppid()), signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)


@shared_task
def take_memory(path: str, number: int, megabytes: int) -> None:
    """Needs memory, and gives back only a part of it."""
    note(path, "started", number)
    kept.append(b"x" * (megabytes * 2**20))
    note(path, "finished", number)


kept: list[bytes] = []


@shared_task
def take_all_memory(path: str, number: int) -> None:
    """Needs more memory than there is."""
    note(path, "started", number)
    resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))
    kept.append(b"x" * 2**31)


@shared_task
def never_end(path: str, number: int) -> None:
    """Goes on after it was asked to end."""
    note(path, "started", number)
    while True:
        try:
            time.sleep(60)
        except Exception:
            continue

"""The tasks of `manage.py benchmark`. Each adds the time of its run to the samples."""

import time
import uuid

from celery import shared_task

from task_benchmark import samples
from task_benchmark.models import Row


@shared_task(ignore_result=True)
def noop(payload: object = None) -> None:
    samples.add(time.time())


@shared_task(ignore_result=False)
def noop_with_result(payload: object = None) -> None:
    """Do nothing, and store a result."""
    samples.add(time.time())


@shared_task(ignore_result=True)
def read_and_write(row_id: str) -> None:
    """Read a row and write it, as most tasks do."""
    row = Row.objects.get(pk=uuid.UUID(row_id))
    row.save()
    samples.add(time.time())


@shared_task(ignore_result=True)
def add_lateness(due: float) -> None:
    """Add a sample of the seconds between `due` and this run."""
    samples.add(time.time() - due)


@shared_task(ignore_result=True)
def take_a_second() -> None:
    samples.add(time.time())
    time.sleep(1)

"""What workers run for `manage.py benchmark`. Each task notes when it ran."""

import time
import uuid

from celery import shared_task
from django.utils import timezone

from benchmark.notes import note
from health.models import Probe


@shared_task(ignore_result=True)
def empty(payload: object = None) -> None:
    note(time.time())


@shared_task(ignore_result=False)
def answer(payload: object = None) -> None:
    """Does as little as `empty`, and somebody could read its result."""
    note(time.time())


@shared_task(ignore_result=True)
def read_and_write(probe_id: str) -> None:
    """Does what most tasks do: reads a row, and writes one."""
    probe = Probe.objects.get(pk=uuid.UUID(probe_id))
    probe.sent_at = timezone.now()
    probe.save()
    note(time.time())


@shared_task(ignore_result=True)
def tell_lateness(due: float) -> None:
    """Notes how long after its time it runs, in seconds."""
    note(time.time() - due)


@shared_task(ignore_result=True)
def take_a_second() -> None:
    note(time.time())
    time.sleep(1)

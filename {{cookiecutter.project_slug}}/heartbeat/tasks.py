"""What beat sends when it starts, and once a minute."""

from typing import Any

from celery import shared_task
from celery.signals import after_task_publish, beat_init
from django.utils import timezone

from config.alive import touch
from heartbeat.models import Heartbeat


# If no worker runs it within its minute, the next one says more.
@shared_task(expires=60, ignore_result=True)
def tick() -> None:
    Heartbeat.objects.update_or_create(pk=1, defaults={"at": timezone.now()})


@beat_init.connect
def tick_at_start(**kwargs: Any) -> None:
    # Beat is alive while it sends what is due.
    after_task_publish.connect(touch)
    tick.delay()

"""Shows that beat runs: a periodic task stores the time."""

from typing import Any

from celery import shared_task
from celery.signals import after_task_publish, beat_init
from django.utils import timezone

from task_queue.doctor import UnhealthyError, check, tasks
from task_queue.health import touch_alive_file
from task_queue.models import Heartbeat

NAME = "beat"
# Three ticks, in seconds.
TOO_OLD = 3 * 60


# If no worker runs it within a minute, the next one replaces it.
@shared_task(expires=60, ignore_result=True)
def tick() -> None:
    Heartbeat.objects.update_or_create(name=NAME, defaults={"at": timezone.now()})


@beat_init.connect
def tick_at_start(**kwargs: Any) -> None:
    # Beat is alive while it sends tasks.
    after_task_publish.connect(touch_alive_file)
    tick.delay()


@check("Beat", fix="Start beat: make dev starts it, or make beat", needs=[tasks])
def beat(seconds: float) -> str:
    heartbeat = Heartbeat.objects.filter(name=NAME).first()
    if heartbeat is None:
        raise UnhealthyError("has not ticked yet: it ticks when it starts and once a minute")
    age = (timezone.now() - heartbeat.at).total_seconds()
    if age > TOO_OLD:
        raise UnhealthyError(f"last ticked {age:.0f} s ago, but should tick once a minute")
    return f"last ticked {age:.0f} s ago"

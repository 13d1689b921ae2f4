# {% from "project.jinja" import scheduler with context %}
"""The checks of `manage.py doctor`. An app adds its own in a module called `doctor`."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
# {% if scheduler.beat %}
from typing import Any
# {% endif %}
from uuid import uuid4

from celery import shared_task
# {% if scheduler.beat %}
from celery.signals import after_task_publish, beat_init
# {% endif %}
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from config import celery_app
# {% if scheduler.beat %}
from task_queue.health import touch_alive_file
# {% endif %}
from task_queue.models import DeadLetter, Heartbeat

# Takes the seconds that it may wait. Returns a line, or raises an exception.
Function = Callable[[float], str]

# Queues by the names that code uses, without those that are deleted with a worker.
QUEUES = {
    queue.alias or queue.name: queue  # type: ignore[attr-defined]
    for queue in celery_app.amqp.queues.values()
    if not queue.auto_delete
}
PREFIX = "doctor-"
# {% if scheduler.beat %}
BEAT = "beat"
# {% endif %}
ADDRESS = "correct its address in the environment or .env."


class UnhealthyError(Exception):
    """Raised by a check that fails, with the reason, and a fix in place of the check's own."""

    def __init__(self, reason: str, fix: str = "") -> None:
        super().__init__(reason)
        self.fix = fix


@dataclass(frozen=True)
class Check:
    name: str
    run: Function
    fix: str
    needs: Sequence[Function]


checks: list[Check] = []


@shared_task
def answer(name: str) -> str:
    """Delete the heartbeat of this name, so that the sender notices, and return the name."""
    Heartbeat.objects.filter(name=name).delete()
    return name


def check(name: str, *, fix: str, needs: Sequence[Function] = ()) -> Callable[[Function], Function]:
    """Register a function as a check, which is skipped if one that it needs fails."""

    def register(function: Function) -> Function:
        checks.append(Check(name, function, fix, needs))
        return function

    return register


@check("Database", fix=f"Start it, or {ADDRESS}")
def database(seconds: float) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    executor = MigrationExecutor(connection)
    if missing := executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise UnhealthyError(f"migrations missing: {len(missing)}", fix="Apply them: make migrate")
    return "answers"


@check("Broker", fix=f"Start it, or {ADDRESS}")
def broker(seconds: float) -> str:
    with celery_app.connection_for_write(connect_timeout=seconds) as broker:
        address = broker.as_uri()  # It contains no password.
        try:
            broker.ensure_connection(max_retries=0)
        except Exception as error:
            raise UnhealthyError(f"{address}: {str(error) or 'no answer'}") from error
        return f"{address} answers"


@check("Workers", fix="Start one: make worker", needs=[broker])
def workers(seconds: float) -> str:
    if not celery_app.conf.worker_enable_remote_control:
        return "not checked: this broker has no remote control"
    replies = celery_app.control.inspect(timeout=min(seconds, 1)).active_queues()
    if not replies:
        raise UnhealthyError("no worker answers")
    reads = []
    for worker, read in sorted(replies.items()):
        names = {queue["name"] for queue in read}
        queues = [name for name, queue in QUEUES.items() if queue.name in names]
        reads.append(f"{worker} reads {' and '.join(queues)}")
    return "; ".join(reads)


def count_waiting() -> dict[str, int]:
    """Return how many tasks wait in each queue, by the name that code uses."""
    counts = {}
    with celery_app.connection_for_write() as broker:
        broker.ensure_connection(max_retries=0)
        channel = broker.default_channel
        for name, queue in QUEUES.items():
            # Declare it as workers do: with a key prefix, a passive declaration finds nothing.
            counts[name] = channel.queue_declare(  # type: ignore[attr-defined]
                queue.name, durable=True, auto_delete=False, arguments=queue.queue_arguments
            ).message_count
    return counts


@check("Tasks", fix="Start a worker: make worker", needs=[database, broker])
def tasks(seconds: float) -> str:
    """Send a task through each queue, and wait until workers have run them all."""
    ours = Heartbeat.objects.filter(name__startswith=PREFIX)
    # Delete the rows of killed commands.
    ours.filter(at__lt=timezone.now() - timedelta(days=1)).delete()
    waiting = {f"{PREFIX}{uuid4()}": queue for queue in QUEUES}
    ours.bulk_create(Heartbeat(name=name, at=timezone.now()) for name in waiting)
    ran = []
    start = time.perf_counter()
    try:
        for name, queue in waiting.items():
            answer.apply_async((name,), queue=queue, expires=seconds + 60, ignore_result=True)
        while waiting and time.perf_counter() - start < seconds:
            time.sleep(0.01)
            for name in waiting.keys() - ours.in_bulk(waiting).keys():
                ran.append(waiting.pop(name))
    finally:
        ours.filter(pk__in=waiting).delete()
    if waiting:
        silent = ",".join(waiting.values())
        raise UnhealthyError(
            f"no task from {' and '.join(waiting.values())} ran within {seconds:g} s",
            fix=f"Start a worker that reads it: celery -A config worker -Q {silent}" if ran else "",
        )
    return f"run from {' and '.join(ran)}"


@check("Results", fix=f"Start the result backend, or {ADDRESS}", needs=[tasks])
def results(seconds: float) -> str:
    if celery_app.conf.task_ignore_result:
        return "are ignored"
    answer.delay(f"{PREFIX}{uuid4()}").get(timeout=seconds, interval=0.05)
    return "arrive"


@check("Dead letters", fix="Retry or delete them in the admin.", needs=[database])
def dead_letters(seconds: float) -> str:
    if count := DeadLetter.objects.filter(quarantined=True).count():
        raise UnhealthyError(f"{count} to retry or delete")
    return "none"
# {% if scheduler.beat %}


# If no worker runs it within a minute, the next one replaces it.
@shared_task(expires=60, ignore_result=True)
def tick() -> None:
    """Store the time. Beat sends this task when it starts and once a minute."""
    Heartbeat.objects.update_or_create(name=BEAT, defaults={"at": timezone.now()})


@beat_init.connect
def tick_at_start(**kwargs: Any) -> None:
    # Beat is alive while it sends tasks.
    after_task_publish.connect(touch_alive_file)
    tick.delay()


@check("Beat", fix="Start it: make beat, or make dev, which starts everything", needs=[tasks])
def beat(seconds: float) -> str:
    heartbeat = Heartbeat.objects.filter(name=BEAT).first()
    if heartbeat is None:
        raise UnhealthyError("has not ticked yet: it ticks when it starts and once a minute")
    age = (timezone.now() - heartbeat.at).total_seconds()
    if age > 3 * 60:  # three ticks
        raise UnhealthyError(f"last ticked {age:.0f} s ago, but should tick once a minute")
    return f"last ticked {age:.0f} s ago"
# {% endif %}

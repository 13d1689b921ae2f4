"""What must work for tasks to run: lines of `manage.py wiring`."""

import time
from datetime import timedelta
from uuid import uuid4

from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from config import celery_app
from health.lines import WiringError, line
from health.models import Probe
from health.tasks import answer

# Where tasks wait, by the names that code says. Queues that come and go with a worker are others.
QUEUES = {
    queue.alias or queue.name: queue  # type: ignore[attr-defined]
    for queue in celery_app.amqp.queues.values()
    if not queue.auto_delete
}
ADDRESS = "correct its address in the environment or .env."


def milliseconds(start: float) -> str:
    """How long it is since `start`, which `time.perf_counter` gave."""
    return f"{(time.perf_counter() - start) * 1000:.0f} ms"


@line("Database", fix=f"Start it, or {ADDRESS}")
def database(seconds: float) -> str:
    start = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    took = milliseconds(start)
    executor = MigrationExecutor(connection)
    if missing := executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise WiringError(f"migrations missing: {len(missing)}", fix="Apply them: make migrate")
    return f"answers in {took}"


@line("Broker", fix=f"Start it (make services), or {ADDRESS}")
def broker(seconds: float) -> str:
    with celery_app.connection_for_write(connect_timeout=seconds) as broker:
        # Without the password.
        address = broker.as_uri()
        start = time.perf_counter()
        try:
            broker.ensure_connection(max_retries=0)
        except Exception as error:
            raise WiringError(f"{address}: {str(error) or 'no answer'}") from error
        return f"{address} answers in {milliseconds(start)}"


@line("Workers", fix="Start one: make worker", needs=[broker])
def workers(seconds: float) -> str:
    if not celery_app.conf.worker_enable_remote_control:
        return "this broker cannot ask them: see whether tasks run"
    replies = celery_app.control.inspect(timeout=min(seconds, 1)).active_queues()
    if not replies:
        raise WiringError("none answers")
    reads = []
    for worker, read in sorted(replies.items()):
        names = {queue["name"] for queue in read}
        queues = [name for name, queue in QUEUES.items() if queue.name in names]
        reads.append(f"{worker} reads {' and '.join(queues)}")
    return "; ".join(reads)


def waiting() -> dict[str, int]:
    """How many tasks wait in each queue, by the name that code says."""
    counts = {}
    with celery_app.connection_for_write() as broker:
        broker.ensure_connection(max_retries=0)
        with broker.channel() as channel:
            for name, queue in QUEUES.items():
                # As a worker does. Where keys have a prefix, asking alone does not find a queue.
                declared = channel.queue_declare(  # type: ignore[attr-defined]
                    queue.name, durable=True, auto_delete=False, arguments=queue.queue_arguments
                )
                counts[name] = declared.message_count
    return counts


@line("Queues", fix=f"Start the broker (make services), or {ADDRESS}", needs=[broker])
def queues(seconds: float) -> str:
    return ", ".join(f"{count} in {name}" for name, count in waiting().items())


@line("Tasks", fix="Start a worker: make worker", needs=[database, broker])
def tasks(seconds: float) -> str:
    """Sends a task through each queue, and waits until workers have run them all."""
    # What remains of commands that were interrupted.
    Probe.objects.filter(sent_at__lt=timezone.now() - timedelta(days=1)).delete()
    waiting = {Probe.objects.create().pk: queue for queue in QUEUES}
    ran = []
    start = time.perf_counter()
    try:
        for probe, queue in waiting.items():
            answer.apply_async((str(probe),), queue=queue, expires=seconds + 60, ignore_result=True)
        while waiting and time.perf_counter() - start < seconds:
            time.sleep(0.01)
            for probe in waiting.keys() - Probe.objects.in_bulk(waiting).keys():
                ran.append(f"{waiting.pop(probe)} in {milliseconds(start)}")
    finally:
        Probe.objects.filter(pk__in=waiting).delete()
    if waiting:
        silent = ",".join(waiting.values())
        raise WiringError(
            f"none run from {silent} within {seconds:g} s",
            fix=f"Start a worker that reads it: celery -A config worker -Q {silent}" if ran else "",
        )
    return f"run from {' and '.join(ran)}"


@line("Results", fix=f"Start what keeps them, or {ADDRESS}", needs=[tasks])
def results(seconds: float) -> str:
    if celery_app.conf.task_ignore_result:
        return "none are kept"
    start = time.perf_counter()
    answer.delay(str(uuid4())).get(timeout=seconds, interval=0.05)
    return f"come back to this process in {milliseconds(start)}"

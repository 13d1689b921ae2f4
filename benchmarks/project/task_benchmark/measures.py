"""The measures. Each function runs one round, and returns its figures by name."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from celery import Task, chord
from celery.backends.base import DisabledBackend
from celery.result import GroupResult
from config import celery_app
from django.db import connection

from task_benchmark import samples
from task_benchmark.models import Row
from task_benchmark.tasks import (
    add_lateness,
    noop,
    noop_with_result,
    read_and_write,
    take_a_second,
)
from task_benchmark.worker import Worker

IDLE_SECONDS = 5
DELAY_SECONDS = 2
DELAYS = 40
ROWS = 100
ROUND_TRIPS = 200
ROUND_TRIP_SECONDS = 10

RATE = "tasks/s"


class Figure(NamedTuple):
    """A number and its unit. Larger rates are better, and smaller values of everything else."""

    number: float
    unit: str


Figures = dict[str, Figure]


@dataclass
class Run:
    """The number of tasks, the bytes in each, and the number of processes that run them."""

    tasks: int = 2000
    payload: int = 0
    processes: int = 2
    folder: Path = Path()

    @property
    def options(self) -> dict[str, int]:
        return {"tasks": self.tasks, "payload": self.payload, "processes": self.processes}

    def worker(self) -> Worker:
        return Worker(self.folder / "worker.log", self.processes)


def throughput(run: Run) -> Figures:
    """Tasks that do nothing, with their results ignored."""
    return drain(run, noop, "")


def database(run: Run) -> Figures:
    """Tasks that read a row and write it."""
    with connection.schema_editor() as editor:
        editor.create_model(Row)
    try:
        rows = Row.objects.bulk_create(Row() for _ in range(ROWS))
        return drain(run, read_and_write, ", database", [str(row.pk) for row in rows])
    finally:
        with connection.schema_editor() as editor:
            editor.delete_model(Row)


def batch(run: Run) -> Figures:
    """Tasks that do nothing, sent in a batch if the broker supports batches."""
    samples.clear()
    start = time.perf_counter()
    with (
        celery_app.producer_pool.acquire(block=True) as producer,
        producer.batch(),
    ):
        for _ in range(run.tasks):
            noop.apply_async(("x" * run.payload,), producer=producer)
    seconds = time.perf_counter() - start
    with run.worker():
        samples.wait(run.tasks)
    return {"enqueue, batch": Figure(run.tasks / seconds, RATE)}


def idle(run: Run) -> Figures:
    """Run a worker without tasks."""
    with run.worker() as worker:
        figures = {"worker start": Figure(worker.warm_up(), "s")}
        before = worker.cpu()
        time.sleep(IDLE_SECONDS)
        after = worker.cpu()
        if before and after:
            used = after - before
            percent = (used.parent + used.pool) / IDLE_SECONDS * 100
            figures["CPU, idle"] = Figure(percent, "%")
        if memory := worker.memory():
            figures["memory"] = Figure(memory, "MB")
    return figures


def delay(run: Run) -> Figures:
    """Lateness of tasks with a countdown."""
    with run.worker() as worker:
        worker.warm_up()
        samples.clear()
        for _ in range(DELAYS):
            due = time.time() + DELAY_SECONDS
            add_lateness.apply_async((due,), countdown=DELAY_SECONDS)
            time.sleep(DELAY_SECONDS / DELAYS)
        lateness = samples.wait(DELAYS)
    return percentiles("delay", lateness)


def recovery(run: Run) -> Figures:
    """Time until a killed worker's tasks run again on another, which starts immediately."""
    with run.worker() as worker:
        worker.warm_up()
        samples.clear()
        take_a_second.delay()
        samples.wait(1)
        worker.kill()
        died = time.time()
        worker.start()
        # Some brokers keep the task until the dead worker's lease expires.
        return {"recovery": Figure(samples.wait(2, seconds=3 * samples.SECONDS)[1] - died, "s")}


def results(run: Run) -> Figures:
    """Tasks that do nothing, with results that are stored."""
    return drain(run, noop_with_result, ", results")


def round_trip(run: Run) -> Figures:
    """Time from sending a task to reading its result, one task after the other."""
    seconds: list[float] = []
    with run.worker() as worker:
        worker.warm_up()
        # Stop earlier if the backend is polled only twice a second.
        while len(seconds) < ROUND_TRIPS and sum(seconds) < ROUND_TRIP_SECONDS:
            start = time.perf_counter()
            result = noop_with_result.delay()
            result.get()
            seconds.append(time.perf_counter() - start)
            result.forget()
    return percentiles("round trip", seconds)


def chords(run: Run) -> Figures:
    """Time from sending a chord of a tenth of the tasks until its callback runs."""
    size = run.tasks // 10
    with run.worker() as worker:
        worker.warm_up()
        samples.clear()
        start = time.time()
        joined = chord(noop_with_result.s() for _ in range(size))(noop.s())
        end = samples.wait(size + 1)[size]
    if isinstance(joined.parent, GroupResult):
        joined.parent.forget()
    return {"chord": Figure(end - start, "s")}


def chords_allowed() -> bool:
    try:
        celery_app.backend.ensure_chords_allowed()
    except NotImplementedError:
        return False
    return True


def drain(run: Run, task: Task, suffix: str, values: list[str] | None = None) -> Figures:
    """Fill a queue, and let a worker run its tasks. Each task gets one of the values."""
    values = values or ["x" * run.payload]
    samples.clear()
    start, used = time.perf_counter(), time.process_time()
    sent = [task.delay(values[number % len(values)]) for number in range(run.tasks)]
    seconds, used = time.perf_counter() - start, time.process_time() - used
    with run.worker() as worker:
        first = len(samples.wait(1))
        before = worker.cpu()
        times = samples.wait(run.tasks)
        after = worker.cpu()
    if not task.ignore_result:
        for result in sent:
            result.forget()
    figures = {
        f"enqueue{suffix}": Figure(run.tasks / seconds, RATE),
        f"throughput{suffix}": Figure((len(times) - 1) / (max(times) - min(times)), RATE),
        f"CPU, sender{suffix}": Figure(used / run.tasks * 1000, "ms/task"),
    }
    if before and after and len(times) > first:
        cpu, count = after - before, (len(times) - first) / 1000
        figures[f"CPU, worker{suffix}"] = Figure(cpu.parent / count, "ms/task")
        figures[f"CPU, pool{suffix}"] = Figure(cpu.pool / count, "ms/task")
    return figures


def percentiles(name: str, seconds: list[float]) -> Figures:
    """Return the median of some times, and the 99th percentile."""
    p99 = statistics.quantiles(seconds, n=100, method="inclusive")[98]
    return {
        f"{name}, p50": Figure(statistics.median(seconds) * 1000, "ms"),
        f"{name}, p99": Figure(p99 * 1000, "ms"),
    }


Measure = Callable[[Run], Figures]
chosen: list[Measure] = [throughput, database, batch, idle, delay, recovery]
# Skip measures that the result backend does not support.
if not isinstance(celery_app.backend, DisabledBackend):
    chosen += [results, round_trip]
if chords_allowed():
    chosen.append(chords)
measures = {measure.__name__: measure for measure in chosen}

"""What is measured. Each function does one round, and returns its figures by their names."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from celery import Task

from benchmark import notes
from benchmark.tasks import empty, read_and_write, take_a_second, tell_lateness
from benchmark.worker import Worker
from config import celery_app
from health.models import Probe

IDLE_SECONDS = 5
DELAY_SECONDS = 2
DELAYS = 40
ROWS = 100

RATE = "tasks/s"


class Figure(NamedTuple):
    """A number and its unit. Of rates, the larger is the better one; of all others, the smaller."""

    number: float
    unit: str


Figures = dict[str, Figure]


@dataclass
class Run:
    """How many tasks are sent, each with how many bytes, and how many processes run them."""

    tasks: int = 2000
    payload: int = 0
    processes: int = 2
    folder: Path = Path()

    @property
    def options(self) -> dict[str, int]:
        return {"tasks": self.tasks, "payload": self.payload, "processes": self.processes}

    def worker(self) -> Worker:
        return Worker(self.folder / "worker.log", self.processes)


Measure = Callable[[Run], Figures]
measures: dict[str, Measure] = {}


def measure(function: Measure) -> Measure:
    """Has `manage.py benchmark` run a function, under its name."""
    measures[function.__name__] = function
    return function


@measure
def throughput(run: Run) -> Figures:
    """Empty tasks, whose results nobody reads."""
    return drain(run, empty, "")


@measure
def database(run: Run) -> Figures:
    """Tasks that read a row and write it."""
    probes = Probe.objects.bulk_create(Probe() for _ in range(ROWS))
    keys = [str(probe.pk) for probe in probes]
    try:
        return drain(run, read_and_write, ", database", keys)
    finally:
        Probe.objects.filter(pk__in=keys).delete()


@measure
def batch(run: Run) -> Figures:
    """Empty tasks, sent many at a time where the broker takes that."""
    notes.clear()
    start = time.perf_counter()
    with (
        celery_app.producer_pool.acquire(block=True) as producer,
        producer.batch(),  # type: ignore[attr-defined]
    ):
        for _ in range(run.tasks):
            empty.apply_async(("x" * run.payload,), producer=producer)
    seconds = time.perf_counter() - start
    with run.worker():
        notes.wait(run.tasks)
    return {"enqueue, batch": Figure(run.tasks / seconds, RATE)}


@measure
def idle(run: Run) -> Figures:
    """A worker that has nothing to do."""
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


@measure
def delay(run: Run) -> Figures:
    """How late tasks run that are sent with a countdown."""
    with run.worker() as worker:
        worker.warm_up()
        notes.clear()
        for _ in range(DELAYS):
            due = time.time() + DELAY_SECONDS
            tell_lateness.apply_async((due,), countdown=DELAY_SECONDS)
            time.sleep(DELAY_SECONDS / DELAYS)
        lateness = notes.wait(DELAYS)
    return percentiles("delay", lateness)


@measure
def recovery(run: Run) -> Figures:
    """How soon tasks run again when a worker is killed, and another is started at once."""
    with run.worker() as worker:
        worker.warm_up()
        notes.clear()
        take_a_second.delay()
        notes.wait(1)
        worker.kill()
        died = time.time()
        worker.start()
        # A broker that is asked may give the first to the worker that died.
        empty.delay()
        empty.delay()
        return {"recovery": Figure(notes.wait(2)[1] - died, "s")}


def drain(run: Run, task: Task, suffix: str, values: list[str] | None = None) -> Figures:
    """Fills a queue, and has a worker run it all. Each task gets one of the values."""
    values = values or ["x" * run.payload]
    notes.clear()
    start, used = time.perf_counter(), time.process_time()
    sent = [task.delay(values[number % len(values)]) for number in range(run.tasks)]
    seconds, used = time.perf_counter() - start, time.process_time() - used
    with run.worker() as worker:
        first = len(notes.wait(1))
        before = worker.cpu()
        times = notes.wait(run.tasks)
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
    """The median of some times, and the 99th percentile."""
    p99 = statistics.quantiles(seconds, n=100, method="inclusive")[98]
    return {
        f"{name}, p50": Figure(statistics.median(seconds) * 1000, "ms"),
        f"{name}, p99": Figure(p99 * 1000, "ms"),
    }

"""Measure how cost grows with the load of a broker: `make growth`.

`make growth brokers="redis rabbitmq"` chooses the brokers. `tasks=2000` sets the number of tasks
for each point. The figures are written to docs/measured/, and the table to docs/speed.md;
`into=~/measured` names another folder instead.
"""

import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import redis
from kombu.connection import Connection
from rich.progress import track

from benchmarks.candidates import Candidate, console, machine, running
from benchmarks.page import MEASURED, show, write
from benchmarks.plot import Curve, curves
from tools.command import exit_code, read
from tools.generate import Refused, facts, parse
from tools.services import read_env

# An axis ends after a point that took longer than this, in seconds.
PATIENCE = 90
PREFIX = "growth"
SETTINGS = Path(__file__).parent / "many_queues"


class Grown(Candidate):
    """A project whose tasks can be spread over many queues, and wait behind many others."""

    def make(self, folder: Path, servers: dict[str, Any]) -> None:
        super().make(folder, servers)
        shutil.copytree(SETTINGS, self.project, dirs_exist_ok=True)
        # PGMQ's address is that of the database.
        self.database = read_env(self.project)["DATABASE_URL"]

    def number(self, figure: str, *options: str, **env: str) -> float:
        """Measure a round of a figure, and return its number."""
        report = self.measure(*options, **env)
        self.machine = machine(report)
        return float(report["rounds"][figure][0])


def run_noops(candidate: Grown, tasks: int, *options: str, **env: str) -> float:
    words = ["--only", "throughput", "--tasks", str(tasks), *options]
    return candidate.number("throughput", *words, **env)


def behind_a_backlog(candidate: Grown, tasks: int, count: int) -> float:
    env = {"QUEUE_PREFIX": PREFIX}
    candidate.manage("shell", "-c", "from task_benchmark.tasks import noop; noop.delay('')", **env)
    FILL[candidate.name](candidate, count)
    folder = Path(tempfile.mkdtemp(dir=candidate.project))
    return run_noops(candidate, tasks, **env, BENCHMARK_SAMPLES=str(folder / "samples"))


def beside_countdowns(candidate: Grown, tasks: int, count: int) -> float:
    """Measure while `count` other tasks wait for the end of an hour."""
    env = {"QUEUE_PREFIX": PREFIX}
    send = f"[noop.apply_async(countdown=3600) for _ in range({count})]"
    candidate.manage("shell", "-c", f"from task_benchmark.tasks import noop; {send}", **env)
    return run_noops(candidate, tasks, **env)


def with_payload(candidate: Grown, tasks: int, size: int) -> float:
    return run_noops(candidate, tasks, "--payload", str(size))


def in_processes(candidate: Grown, tasks: int, count: int) -> float:
    return run_noops(candidate, tasks, "--processes", str(count))


def over_queues(candidate: Grown, tasks: int, count: int) -> float:
    env = {"QUEUES": str(count), "BENCHMARK_SETTINGS": "config.settings.many_queues"}
    return run_noops(candidate, tasks, **env)


def in_chords(candidate: Grown, tasks: int, size: int) -> float:
    seconds = candidate.number("chord", "--only", "chords", "--tasks", str(size * 10))
    return size / seconds


@dataclass
class Axis:
    """A load that grows, its values, and the function that measures tasks a second at each."""

    title: str
    values: Sequence[int]
    measure: Callable[[Grown, int, int], float]


AXES = [
    Axis("tasks that wait", [1_000, 10_000, 100_000, 1_000_000], behind_a_backlog),
    Axis("tasks with a countdown", [1_000, 10_000, 100_000], beside_countdowns),
    Axis("bytes in a task", [100, 1_000, 10_000, 100_000, 1_000_000], with_payload),
    Axis("processes", [1, 2, 4, 8], in_processes),
    Axis("queues", [1, 2, 4, 8, 16], over_queues),
    Axis("tasks in a chord", [10, 100, 1_000, 10_000], in_chords),
]


def fill_redis(candidate: Grown, count: int) -> None:
    """Copy the waiting task, each copy with a delivery tag of its own."""
    copy = """
    local message = redis.call('LINDEX', KEYS[1], 0)
    local tag = cjson.decode(message).properties.delivery_tag
    local before, after = message:match('^(.*)' .. tag:gsub('%-', '%%-') .. '(.*)$')
    for number = ARGV[1], ARGV[2] do
        redis.call('LPUSH', KEYS[1], before .. number .. '-' .. tag .. after)
    end
    """
    with redis.Redis.from_url(candidate.env["CELERY_BROKER_URL"]) as client:
        script = client.register_script(copy)
        for number in range(1, count, 10_000):
            script(keys=[f"{PREFIX}:default"], args=[number, min(number + 9_999, count - 1)])


def fill_rabbitmq(candidate: Grown, count: int) -> None:
    """Publish copies of the waiting task, without confirms."""
    queue = f"{PREFIX}.default"
    with Connection(candidate.env["CELERY_BROKER_URL"]) as connection:
        channel = connection.default_channel
        message = channel.basic_get(queue, no_ack=True)
        for _ in range(count):
            channel.basic_publish(message, exchange="", routing_key=queue)
        while channel.queue_declare(queue, passive=True).message_count < count:
            time.sleep(0.5)


def fill_pgmq(candidate: Grown, count: int) -> None:
    """Copy the task that waits, each with a delivery tag of its own."""
    copy = (
        f"INSERT INTO pgmq.q_{PREFIX}_default (vt, message) SELECT now(),"
        " jsonb_set(message, '{properties,delivery_tag}', to_jsonb(gen_random_uuid()::text))"
        f" FROM (SELECT message FROM pgmq.q_{PREFIX}_default LIMIT 1) AS first,"
        " generate_series(1, %s)"
    )
    # Each insert updates one row of wake-ups, which becomes slower with each update in a commit.
    with psycopg.connect(candidate.database, autocommit=True) as connection:
        for number in range(1, count, 1_000):
            connection.execute(copy, [min(1_000, count - number)])


FILL: dict[str, Callable[[Grown, int], None]] = {
    "redis": fill_redis,
    "rabbitmq": fill_rabbitmq,
    "pgmq": fill_pgmq,
}
DEFAULTS = {"brokers": " ".join(FILL), "tasks": "1000", "into": str(MEASURED)}


def main(arguments: Sequence[str]) -> int:
    """Measure all, print a table for each axis, and return the exit code."""

    def grow_all() -> None:
        options = read(arguments, DEFAULTS)
        candidates = [candidate(broker) for broker in options["brokers"].split()]
        into = Path(options["into"]).expanduser()
        into.mkdir(parents=True, exist_ok=True)
        with (
            tempfile.TemporaryDirectory(prefix="growth-") as name,
            running(candidates, Path(name)),
        ):
            measured = [
                grow(axis, candidates, int(options["tasks"]))
                for axis in track(AXES, "Measure", console=console)
            ]
        keep(measured, candidates[0].machine, into)

    return exit_code(grow_all)


def candidate(broker: str) -> Grown:
    """Return a project on a broker. Raises `Refused` for one that cannot be filled."""
    if broker not in FILL:
        raise Refused(f"broker cannot be {broker!r:.200}: choose some of {', '.join(FILL)}.")
    return Grown(broker, **parse([f"broker={broker}"]))


def grow(axis: Axis, candidates: Sequence[Grown], tasks: int) -> Curve:
    """Measure each value of an axis on all candidates in turn, and print the figures."""
    curve = Curve(axis.title, list(axis.values), {each.name: [] for each in candidates})
    ended = set()
    for value in axis.values:
        for each in candidates:
            if each.name in ended:
                curve.points[each.name].append(None)
                continue
            # Queues in a database are slow, so that fewer tasks are enough.
            is_slow = facts(each.answers).broker.database
            count = max(100, tasks // 10) if is_slow else tasks
            start = time.monotonic()
            curve.points[each.name].append(axis.measure(each, count, value))
            if time.monotonic() - start > PATIENCE:
                ended.add(each.name)
    show(table([curve]))
    return curve


def table(measured: Sequence[Curve]) -> list[list[str]]:
    """Return the head and the rows of a table, with a column for each broker."""
    rows = [["tasks a second", *measured[0].points]]
    for curve in measured:
        for value, *points in zip(curve.values, *curve.points.values(), strict=True):
            cells = ("-" if point is None else f"{point:,.0f}" for point in points)
            rows.append([f"{curve.title}: {value:,}", *cells])
    return rows


def keep(measured: Sequence[Curve], told: str, into: Path) -> None:
    """Write the curves, as figures and as plots."""
    kept = {curve.title: {"values": curve.values, **curve.points} for curve in measured}
    text = json.dumps({"machine": told, "tasks a second": kept}, indent=2)
    (into / "growth.json").write_text(f"{text}\n", encoding="utf-8")
    for theme in ("light", "dark"):
        curves(measured, theme, told, into / f"growth-{theme}.svg")
    if into == MEASURED:
        write("make growth", table(measured), told)
    console.print(f"Kept in {into}: growth.json, growth-light.svg, growth-dark.svg")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

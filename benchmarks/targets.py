"""Compare the generated projects with cookiecutter-django's wiring: `make benchmark`.

`make benchmark rounds=5` sets the number of rounds, `tasks=10000` the tasks in a queue. The figures
are written to docs/measured/ratios.json, and the table to docs/speed.md.
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.candidates import (
    Candidate,
    Report,
    console,
    machine,
    measure,
    number,
    running,
    save,
)
from benchmarks.compare import NUMBERS
from benchmarks.page import MEASURED, show, write
from tools.command import exit_code, read
from tools.generate import ROOT, Answer
from tools.servers import Server
from tools.servers.server import HOST

BASELINE = Path(__file__).parent / "cookiecutter_django"
KEPT = MEASURED / "ratios.json"
COMMANDS = 5


class Baseline(Candidate):
    """A project with cookiecutter-django's wiring in place of ours, as the baseline.

    It has Celery's defaults, with all events on. Tasks are acknowledged before they run.
    """

    settings = "config.settings.baseline"

    def make(self, folder: Path, servers: dict[str, Server]) -> None:
        super().make(folder, servers)
        shutil.copytree(BASELINE, self.project, dirs_exist_ok=True)
        subprocess.run(["uv", "pip", "install", "--quiet", "hiredis"], cwd=self.project, check=True)
        # The baseline would not pass the project's checks.
        self.env["CELERY_SKIP_CHECKS"] = "true"
        # Its keys have no prefix, so they need databases of their own.
        self.env["CELERY_RESULT_BACKEND"] = f"redis://{HOST}:{servers['redis'].port}/3"
        if self.answers["broker"] == "redis":
            self.env["CELERY_BROKER_URL"] = f"redis://{HOST}:{servers['redis'].port}/2"


# The measures that the targets need.
ONLY = ("throughput", "database", "batch", "idle", "results", "round_trip", "chords")
# Our project and the baseline.
ON_RABBITMQ = ("rabbitmq", "baseline-rabbitmq")


@dataclass
class Target:
    """The ratio of a figure of two candidates, and its limit."""

    what: str
    figure: str
    limit: float
    ours: str = "redis"
    theirs: str = "baseline"
    at_least: bool = True

    def ratio(self, reports: dict[str, Report]) -> float | None:
        ours = number(reports[self.ours], self.figure)
        theirs = number(reports[self.theirs], self.figure)
        return ours / theirs if ours is not None and theirs else None


TARGETS = [
    Target("empty tasks per second, results ignored", "throughput", 2),
    Target("empty tasks per second, results in Redis", "throughput, results", 1.3),
    Target("tasks that read and write a row in PostgreSQL, per second", "throughput, database", 3),
    Target("tasks sent per second", "enqueue", 1.9),
    Target("tasks sent per second, in a batch", "enqueue, batch", 2),
    Target(
        "results in `django-db`, to those in Redis, per second",
        "throughput, results",
        0.6,
        "django-db",
        "redis",
    ),
    Target("round trip with a result, median", "round trip, p50", 0.8, at_least=False),
    Target("round trip with a result, 99th percentile", "round trip, p99", 0.8, at_least=False),
    Target("chord of a tenth of the tasks", "chord", 0.8, at_least=False),
    Target("CPU of the pool for a task with a result", "CPU, pool, results", 1, at_least=False),
    Target("memory of worker and pool", "memory", 1, at_least=False),
    Target("CPU of an idle worker", "CPU, idle", 1, at_least=False),
    Target("start of a worker", "worker start", 1, at_least=False),
    Target("RabbitMQ, empty tasks per second", "throughput", 1, *ON_RABBITMQ),
    Target("RabbitMQ, tasks sent per second", "enqueue", 0.9, *ON_RABBITMQ),
    Target("RabbitMQ, tasks sent per second, in a batch", "enqueue, batch", 2, *ON_RABBITMQ),
]


def candidates() -> list[Candidate]:
    redis: dict[str, Answer] = {"broker": "redis", "result_backend": "redis"}
    rabbitmq: dict[str, Answer] = {"broker": "rabbitmq", "result_backend": "redis"}
    return [
        Baseline("baseline", **redis),
        Candidate("redis", **redis),
        Candidate("django-db", **redis | {"result_backend": "django-db"}),
        Baseline("baseline-rabbitmq", **rabbitmq),
        Candidate("rabbitmq", **rabbitmq),
    ]


def main(arguments: Sequence[str]) -> int:
    """Measure all, print a table of the ratios, and return the exit code."""

    def measure_all() -> None:
        options = read(arguments, NUMBERS)
        rounds, tasks = int(options["rounds"]), options["tasks"]
        everybody = candidates()
        with tempfile.TemporaryDirectory(prefix="benchmark-") as name:
            folder = Path(name)
            command = cookiecutter_ratio(folder)
            with running(everybody, folder):
                reports = measure(everybody, rounds, "--tasks", tasks, "--only", *ONLY)
                save(reports, KEPT)
                told = everybody[1].manage("benchmark", "--compare", str(KEPT))
                console.print(told, soft_wrap=True)
            seconds = first_result()
        rows = [
            ["", "ratio", "aim", ""],
            *ratios({report["name"]: report for report in reports}),
            row("`cookiecutter` command, to an empty template", command, 1.5),
            row("`make try`, until the first task's result, in seconds", seconds, 10),
        ]
        show(rows)
        write("make benchmark", rows, machine(reports[0]))

    return exit_code(measure_all)


def ratios(reports: dict[str, Report]) -> Iterator[list[str]]:
    """Yield a row for each target: its ratio, the limit, and whether it is met."""
    for target in TARGETS:
        ratio = target.ratio(reports)
        if ratio is None:
            yield [target.what, "-", "", "not measured"]
        else:
            yield row(target.what, ratio, target.limit, at_least=target.at_least)


def row(what: str, number: float, limit: float, *, at_least: bool = False) -> list[str]:
    met = number >= limit if at_least else number <= limit
    aim = f"{'≥' if at_least else '≤'} {limit:g}"
    return [what, f"{number:.2f}", aim, "met" if met else "not met"]


def cookiecutter_ratio(folder: Path) -> float:
    """Return the time of the command `cookiecutter` as a ratio to an empty template's."""
    empty = folder / "empty-template"
    (empty / "{{cookiecutter.slug}}").mkdir(parents=True)
    (empty / "{{cookiecutter.slug}}" / "README.md").write_text("Nothing.\n")
    (empty / "cookiecutter.json").write_text(json.dumps({"slug": "project"}))
    ours, theirs = [], []
    for turn in range(COMMANDS):
        ours.append(run_cookiecutter(ROOT, folder / f"ours-{turn}"))
        theirs.append(run_cookiecutter(empty, folder / f"empty-{turn}"))
    return median(ours) / median(theirs)


def first_result() -> float:
    """Return the seconds from the start of `make try` to the first task's result.

    It makes a project, and installs its packages from uv's cache, which is warm by now.
    """
    command = [sys.executable, "-m", "tools.try_project"]
    run = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    told = re.search(r"([0-9.]+) s after the start", run.stdout)
    if not told:
        raise RuntimeError(f"make try did not print how long it took:\n{run.stdout}")
    return float(told[1])


def run_cookiecutter(template: Path, output: Path) -> float:
    """Run the command `cookiecutter`, and return its seconds."""
    config = output.with_suffix(".yaml")
    config.write_text(f"cookiecutters_dir: {output}-templates\nreplay_dir: {output}-replay\n")
    options = ["--no-input", "--config-file", str(config), "--output-dir", str(output)]
    command = [sys.executable, "-m", "cookiecutter", *options, str(template)]
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

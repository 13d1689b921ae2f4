"""Compares the generated projects with cookiecutter-django's wiring: `make benchmark`.

`make benchmark rounds=5` sets the number of rounds, `tasks=10000` the tasks in a queue. The figures
are written to benchmarks/targets.json.
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from rich.table import Column, Table

from benchmarks.candidates import (
    Candidate,
    Report,
    console,
    exit_code,
    machine,
    measure,
    number,
    running,
    save,
)
from benchmarks.compare import NUMBERS, read
from tools.generate import ROOT, Answer
from tools.servers import Server
from tools.servers.server import HOST

HERE = Path(__file__).parent
BASELINE = HERE / "cookiecutter_django"
BENCHMARK = HERE / "project"
COMMANDS = 5


class Baseline(Candidate):
    """A project with cookiecutter-django's wiring in place of ours, as the baseline.

    It has Celery's defaults, with all events on. Tasks are acknowledged before they run, and all
    results are stored.
    """

    settings = "config.settings.baseline"

    def make(self, folder: Path, servers: dict[str, Server]) -> None:
        super().make(folder, servers)
        shutil.copytree(BASELINE, self.project, dirs_exist_ok=True)
        # Python finds a copy in the project before the one on PYTHONPATH.
        shutil.copytree(BENCHMARK, self.project, dirs_exist_ok=True)
        tasks = self.project / "task_benchmark" / "tasks.py"
        text = tasks.read_text(encoding="utf-8")
        tasks.write_text(text.replace("ignore_result=True", ""), encoding="utf-8")
        subprocess.run(["uv", "pip", "install", "--quiet", "hiredis"], cwd=self.project, check=True)
        # The baseline would not pass the project's checks.
        self.env["CELERY_SKIP_CHECKS"] = "true"
        # Its keys have no prefix, so they need databases of their own.
        self.env["CELERY_RESULT_BACKEND"] = f"redis://{HOST}:{servers['redis'].port}/3"
        if self.answers["broker"] == "redis":
            self.env["CELERY_BROKER_URL"] = f"redis://{HOST}:{servers['redis'].port}/2"


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
    Target("throughput, fire and forget", "throughput", 2),
    Target("throughput, results in Redis", "throughput, results", 1.3),
    Target("enqueue", "enqueue", 1.9),
    Target("enqueue, in a batch", "enqueue, batch", 2),
    Target("pool's CPU, results in Redis", "CPU, pool, results", 1, at_least=False),
    Target("tasks that touch PostgreSQL", "throughput, database", 3),
    Target("django-db, to Redis", "throughput, results", 0.6, "django-db", "redis"),
    Target("round trip, p50", "round trip, p50", 0.8, at_least=False),
    Target("round trip, p99", "round trip, p99", 0.8, at_least=False),
    Target("chord of a tenth of the tasks", "chord", 0.8, at_least=False),
    Target("memory", "memory", 1, at_least=False),
    Target("CPU, idle", "CPU, idle", 1, at_least=False),
    Target("worker start", "worker start", 1, at_least=False),
    Target("RabbitMQ, fire and forget", "throughput", 1, "rabbitmq", "baseline-rabbitmq"),
    Target("RabbitMQ, enqueue", "enqueue", 0.9, "rabbitmq", "baseline-rabbitmq"),
    Target("RabbitMQ, in a batch", "enqueue, batch", 2, "rabbitmq", "baseline-rabbitmq"),
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
                reports = measure(everybody, rounds, "--tasks", tasks)
                save(reports, HERE / "targets.json")
                kept = str(HERE / "targets.json")
                shown = everybody[1].manage("benchmark", "--compare", kept)
                console.print(shown, soft_wrap=True)
            seconds = first_result()
        ratios = table({report["name"]: report for report in reports})
        add(ratios, "cookiecutter, to an empty template", command, 1.5)
        add(ratios, "from nothing to the first result, seconds", seconds, 10)
        console.print(ratios)
        console.print(machine(reports[0]), soft_wrap=True)

    return exit_code(measure_all)


def table(reports: dict[str, Report]) -> Table:
    """Return the ratios next to their limits."""
    right = Column("ratio", justify="right")
    shown = Table("what", right, Column("target", justify="right"), "met")
    for target in TARGETS:
        ratio = target.ratio(reports)
        if ratio is None:
            shown.add_row(target.what, "-", "", "not measured")
            continue
        add(shown, target.what, ratio, target.limit, at_least=target.at_least)
    return shown


def add(shown: Table, what: str, number: float, limit: float, *, at_least: bool = False) -> None:
    met = number >= limit if at_least else number <= limit
    cells = what, f"{number:.2f}", f"{'≥' if at_least else '≤'} {limit:g}", "yes" if met else "no"
    shown.add_row(*cells, style="green" if met else "red")


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

"""Projects that are measured side by side, on the same servers."""

import json
import os
import statistics
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track

from tools.generate import Answer, generate
from tools.process import Process, tail
from tools.project import benchmark_environment
from tools.servers import SERVERS, Server
from tools.services import point_at, read_env, services
from tools.trial.processes import install, isolate, python

# Answers that do not change the figures.
OTHERS: dict[str, Answer] = {
    "database": "postgresql",
    "demo": False,
    "docker": False,
    "flower": False,
    "ci": "none",
}

Report = dict[str, Any]

console = Console(highlight=False)


class Candidate:
    """A project, installed as for production, which the benchmark measures."""

    settings = "config.settings.production"

    def __init__(self, name: str, **answers: Answer) -> None:
        """Take its name in the tables, and answers that go together."""
        self.name = name
        slug = f"measured_{name}".replace("-", "_")
        self.answers = {**OTHERS, **answers, "project_slug": slug}

    def make(self, folder: Path, servers: dict[str, Server]) -> None:
        """Make the project in folder, for servers that run. Raises `RuntimeError` if it fails."""
        self.project = generate(self.answers, folder)
        isolate(self.project)
        needed = [servers[service] for service in services(self.answers)]
        point_at(self.project, needed)
        servers["postgresql"].create_database(self.project.name)
        install(self.project)
        self.env = os.environ | read_env(self.project) | {"ALLOWED_HOSTS": "localhost"}
        self.env |= benchmark_environment(self.settings)

    def measure(self, *options: str, **env: str) -> Report:
        """Measure one round, and return its report. Raises `RuntimeError` if that fails."""
        file = self.project / f"{self.name}.json"
        self.manage("benchmark", "--rounds", "1", "--save", str(file), *options, **env)
        report: Report = json.loads(file.read_text(encoding="utf-8"))[0]
        return report

    def manage(self, *words: str, **env: str) -> str:
        """Run a command of the project, with variables of its own, and return what it prints."""
        command = Process(
            self.project,
            [python(self.project), "manage.py", *words],
            log=self.project / "output.log",
            errors=self.project / "manage.log",
            env=self.env | env,
        )
        # Interrupted, it stops its worker, and removes its queues.
        with command:
            code = command.wait()
        if code:
            raise RuntimeError(f"{self.name}: {' '.join(words)} failed:\n{tail(command.errors)}")
        return command.said()


@contextmanager
def running(candidates: Sequence[Candidate], folder: Path) -> Iterator[None]:
    """Run the servers that the candidates need, and make each candidate."""
    needed = dict.fromkeys(name for each in candidates for name in services(each.answers))
    with ExitStack() as stack:
        servers = {name: SERVERS[name](folder / f"{name}-server") for name in needed}
        for server in servers.values():
            console.print(f"Start {type(server).__name__}")
            stack.enter_context(server)
        for candidate in candidates:
            console.print(f"Make a project: {candidate.name}")
            candidate.make(folder / candidate.name, servers)
        yield


def measure(candidates: Sequence[Candidate], rounds: int, *options: str) -> list[Report]:
    """Measure all in turn, for some rounds, and return a report for each.

    Every other round is in reverse order, so that a machine that slows down affects all alike.
    """
    turns = [
        candidate
        for number in range(rounds)
        for candidate in (candidates if number % 2 == 0 else candidates[::-1])
    ]
    reports: dict[str, Report] = {}
    for candidate in track(turns, "Measure", console=console):
        report = candidate.measure(*options)
        kept = reports.setdefault(candidate.name, report)
        if kept is not report:
            for name, numbers in report["rounds"].items():
                kept["rounds"].setdefault(name, []).extend(numbers)
    return [reports[candidate.name] for candidate in candidates]


def number(report: Report, figure: str) -> float | None:
    """Return the median of a figure's rounds, or None if it was not measured."""
    rounds = report["rounds"].get(figure)
    return statistics.median(rounds) if rounds else None


def save(reports: Sequence[Report], path: Path) -> None:
    """Write reports in the format of `manage.py benchmark --compare`."""
    path.write_text(json.dumps(reports, indent=2) + "\n", encoding="utf-8")


def machine(report: Report) -> str:
    """Return the machine and the versions of a report, in one line."""
    told = report["machine"]
    packages = ", ".join(f"{name} {told[name]}" for name in ("Python", "celery", "kombu", "django"))
    return f"{told['processor']}, {told['CPUs']} CPUs, {told['system']}; {packages}"

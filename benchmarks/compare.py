"""Measure brokers and result backends side by side: `make compare`.

`make compare brokers="redis rabbitmq" results="redis django-db"` chooses them. `rounds=5` sets the
number of rounds, `tasks=10000` the tasks in a queue. The figures are written to docs/measured/, and
the table to docs/speed.md; `into=~/measured` names another folder instead.
"""

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

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
from benchmarks.page import MEASURED, write
from benchmarks.plot import FIGURES, plot, shown
from tools.command import exit_code, read
from tools.generate import Refused, choices, facts, parse, refusal

# A stand-in for a broker is not as fast as the broker.
BROKERS = [
    str(broker)
    for broker in choices()["broker"]
    if not any(service.stands_in for service in facts({"broker": broker}).services)
]
NUMBERS = {"rounds": "3", "tasks": "2000"}
DEFAULTS = {
    "brokers": " ".join(BROKERS),
    "results": str(choices()["result_backend"][0]),
    **NUMBERS,
    "into": str(MEASURED),
}


def main(arguments: Sequence[str]) -> int:
    """Compare the brokers and result backends in the arguments, and return the exit code."""

    def compare_all() -> None:
        options = read(arguments, DEFAULTS)
        candidates = pairs(options["brokers"].split(), options["results"].split())
        compare(candidates, options)

    return exit_code(compare_all)


def pairs(brokers: Sequence[str], backends: Sequence[str]) -> list[Candidate]:
    """Return a candidate for each pair. Raises `Refused` for one that cannot work."""
    candidates = []
    for broker in brokers:
        for backend in backends:
            answers = parse([f"broker={broker}", f"result_backend={backend}"])
            name = broker if len(backends) == 1 else f"{broker}-{backend}"
            candidate = Candidate(name, **answers)
            if reason := refusal(candidate.answers):
                raise Refused(reason)
            candidates.append(candidate)
    return candidates


def compare(candidates: Sequence[Candidate], options: dict[str, str]) -> None:
    """Measure the candidates, print a table, and write the figures and plots."""
    into = Path(options["into"]).expanduser()
    into.mkdir(parents=True, exist_ok=True)
    file = into / "comparison.json"
    with (
        tempfile.TemporaryDirectory(prefix="compare-") as name,
        running(candidates, Path(name)),
    ):
        reports = measure(candidates, int(options["rounds"]), "--tasks", options["tasks"])
        save(reports, file)
        console.print(candidates[0].manage("benchmark", "--compare", str(file)), soft_wrap=True)
    console.print(machine(reports[0]), soft_wrap=True)
    for theme in ("light", "dark"):
        plot(reports, theme, into / f"comparison-{theme}.svg")
    if into == MEASURED:
        write("make compare", table(reports), machine(reports[0]))
    console.print(f"Kept in {into}: comparison.json, comparison-light.svg, comparison-dark.svg")


def table(reports: Sequence[Report]) -> list[list[str]]:
    """Return the head and the rows of a table, with a column for each report."""
    rows = [
        [title, *(shown(number(report, figure)) for report in reports)]
        for figure, title in FIGURES.items()
    ]
    return [["", *(report["name"] for report in reports)], *rows]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

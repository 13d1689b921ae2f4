"""Profile a task, and show which package its CPU time is spent in: `make profile`.

py-spy samples the sender, the worker's main process and its pool. A sample counts for the innermost
package on its stack; the standard library counts for the package that called it. The shares divide
the CPU time for each task, which a run without py-spy measures.
"""

import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.candidates import Candidate, Report, console, machine, number, running
from benchmarks.page import show, write
from tools.command import exit_code, read
from tools.generate import parse
from tools.trial.processes import python

DEFAULTS = {"brokers": "redis rabbitmq", "tasks": "10000"}
# The measure, and the suffix of its figures: a task that does nothing, with a result.
MEASURE, SUFFIX = "results", ", results"
SAMPLES_PER_SECOND = "200"
# A process, the figure of its CPU time, and a function that is on the stack while it handles tasks.
PARTS = {
    "sender": (f"CPU, sender{SUFFIX}", "delay (celery/app/task.py"),
    "main process": (f"CPU, worker{SUFFIX}", "(celery/worker/loops.py"),
    "pool": (f"CPU, pool{SUFFIX}", "workloop (billiard/pool.py"),
}
FRAME = re.compile(r"(?P<function>.*) \((?P<path>.*?)(:\d+)?\)")
OWN = ("task_queue", "config")
OTHERS = "others"
# The smallest share that is shown on a row of its own, of any process.
SMALLEST = 0.05

Shares = dict[str, Counter[str]]


def main(arguments: Sequence[str]) -> int:
    """Profile the brokers in the arguments, print and write the table, and return the exit code."""

    def profile_all() -> None:
        options = read(arguments, DEFAULTS)
        candidates = [
            Candidate(broker, **parse([f"broker={broker}"]))
            for broker in options["brokers"].split()
        ]
        words = ["--only", MEASURE, "--tasks", options["tasks"]]
        with (
            tempfile.TemporaryDirectory(prefix="profile-") as name,
            running(candidates, Path(name)),
        ):
            reports = [candidate.measure(*words) for candidate in candidates]
            profiles = [profile(candidate, Path(name), words) for candidate in candidates]
        rows = list(table(reports, profiles))
        show(rows)
        write("make profile", rows, machine(reports[0]))

    return exit_code(profile_all)


def profile(candidate: Candidate, folder: Path, words: Sequence[str]) -> Shares:
    """Return the number of samples in each package, for each process."""
    console.print(f"Profile {candidate.name}")
    file = folder / f"{candidate.name}.stacks"
    # With these, the command does not replace its process, which py-spy would lose.
    own = {"QUEUE_PREFIX": "profile", "BENCHMARK_SAMPLES": str(folder / "samples" / "samples")}
    (folder / "samples").mkdir()
    options = ["--subprocesses", "--format", "raw", "--full-filenames", "--output", str(file)]
    subprocess.run(
        [
            *("py-spy", "record", "--rate", SAMPLES_PER_SECOND, *options, "--"),
            *(python(candidate.project), "manage.py", "benchmark", "--rounds", "1", *words),
        ],
        cwd=candidate.project,
        env=candidate.env | own,
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return count(file.read_text(encoding="utf-8"), candidate.project)


def count(stacks: str, project: Path) -> Shares:
    """Return the number of samples in each package, for each process, from py-spy's raw format."""
    shares: Shares = {part: Counter() for part in PARTS}
    for line in stacks.splitlines():
        stack, _, samples = line.rpartition(" ")
        for part, (_, function) in PARTS.items():
            if function in re.sub(r"/[^ ;]*?/site-packages/", "", stack):
                shares[part][owner(stack, project)] += int(samples)
                break
    return shares


def owner(stack: str, project: Path) -> str:
    """Return the innermost package on a stack that is not of the standard library."""
    for frame in reversed(stack.split(";")):
        match = FRAME.fullmatch(frame)
        path = match["path"] if match else ""
        _, found, inside = path.partition("/site-packages/")
        if found:
            return inside.partition("/")[0].removesuffix(".py")
        if path.startswith(tuple(f"{project}/{own}/" for own in OWN)):
            return "the project"
    return OTHERS


def table(reports: Sequence[Report], profiles: Sequence[Shares]) -> Iterator[list[str]]:
    """Yield the head and the rows of the table: microseconds for each task, by package."""
    columns = [
        (report, part, shares[part], sum(shares[part].values()))
        for report, shares in zip(reports, profiles, strict=True)
        for part in PARTS
    ]
    yield ["µs for each task", *(f"{report['name']}: {part}" for report, part, *_ in columns)]
    totals = [(number(report, PARTS[part][0]) or 0) * 1000 for report, part, *_ in columns]
    yield ["all", *(f"{total:.0f}" for total in totals)]
    shown = Counter[str]()
    for _, _, counted, samples in columns:
        for name, found in counted.items():
            if name != OTHERS and found >= SMALLEST * samples:
                shown[name] += found
    for name in [*(name for name, _ in shown.most_common()), OTHERS]:
        cells = [name]
        for (_, _, counted, samples), total in zip(columns, totals, strict=True):
            found = counted[name]
            if name == OTHERS:
                found = samples - sum(counted[each] for each in shown)
            cells.append(f"{total * found / samples:.0f}")
        yield cells


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

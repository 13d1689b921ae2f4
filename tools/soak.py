"""Run `make test` many times, each in a fresh clone, and count the failures of each test."""

import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from tools.command import exit_code, read
from tools.generate import ROOT, Refused
from tools.process import Process

DEFAULTS = {"times": "10", "busy": "false", "logs": tempfile.gettempdir()}
# With busy=true, other work keeps all cores busy during one run in this many.
BUSY_EVERY = 3
BUSY = "while True: pass"


@dataclass
class Run:
    """One run of `make test`: its exit code, how long it took, and the tests that failed."""

    busy: bool
    code: int
    minutes: float
    failed: list[str]

    def __str__(self) -> str:
        cores = "busy" if self.busy else "quiet"
        outcome = "passed" if self.code == 0 else f"FAILED {', '.join(self.failed)}"
        return f"{cores:<6} {self.minutes:5.1f} min  {outcome}"


def main(arguments: Sequence[str]) -> int:
    """Run the tests as often as asked. Returns 1 if any run failed."""
    return exit_code(lambda: soak_all(read(arguments, DEFAULTS)))


def soak_all(options: dict[str, str]) -> int:
    times, busy = int(options["times"]), options["busy"]
    if busy not in ("true", "false"):
        raise Refused(f"busy cannot be {busy!r:.200}: write true or false.")
    folder = Path(options["logs"]).expanduser()
    folder.mkdir(parents=True, exist_ok=True)
    logs = Path(tempfile.mkdtemp(prefix="soak-", dir=folder))
    runs = []
    for number in range(1, times + 1):
        run = soak(busy == "true" and number % BUSY_EVERY == 0, logs / f"run-{number}.log")
        print(f"{number:>3}  {run}", flush=True)
        runs.append(run)
    green = sum(run.code == 0 for run in runs)
    print(f"\n{green} of {times} runs passed, {sum(run.busy for run in runs)} of {times} busy.")
    for test, count in Counter(test for run in runs for test in run.failed).most_common():
        print(f"{count:>3} x {test}")
    if green < times:
        print(f"The output of each run is in {logs}.")
    return int(green < times)


def soak(busy: bool, log: Path) -> Run:
    """Clone the last commit, and run `make test` in the clone as CI does."""
    with tempfile.TemporaryDirectory() as name:
        clone, report = Path(name, "clone"), Path(name, "report.xml")
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        env = {"CI": "true", "PYTEST_ADDOPTS": f"--junitxml={report}"}
        start = time.monotonic()
        with (
            load(Path(name), os.cpu_count() or 1 if busy else 0),
            Process(clone, ["make", "test"], log=log, env=env) as tests,
        ):
            code = tests.wait()
        minutes = (time.monotonic() - start) / 60
        return Run(busy, code, minutes, failures(report) if code else [])


@contextmanager
def load(folder: Path, processes: int) -> Iterator[None]:
    """Keep cores busy with this many processes."""
    with ExitStack() as stack:
        for number in range(processes):
            busy = Process(folder, [sys.executable, "-c", BUSY], log=folder / f"busy-{number}.log")
            stack.enter_context(busy)
        yield


def failures(report: Path) -> list[str]:
    """Return the tests that failed, or one line instead if pytest wrote no report."""
    if not report.exists():
        return ["make test ended before pytest's report"]
    cases = ElementTree.parse(report).iter("testcase")
    return [
        f"{case.get('classname')}::{case.get('name')}"
        for case in cases
        if case.find("failure") is not None or case.find("error") is not None
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

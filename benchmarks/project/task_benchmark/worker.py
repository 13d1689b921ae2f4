"""A worker of the benchmark's own, its CPU time and its memory."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from task_benchmark import samples
from task_benchmark.tasks import noop

STOP_SECONDS = 15


@dataclass
class Cpu:
    """CPU time, in seconds, of a worker's main process and of its pool."""

    parent: float
    pool: float

    def __sub__(self, other: "Cpu") -> "Cpu":
        return Cpu(self.parent - other.parent, self.pool - other.pool)


class Worker:
    """A worker that runs for as long as a `with` block, and writes its log to a file."""

    def __init__(self, log: Path, processes: int) -> None:
        options = ["--concurrency", str(processes), "--without-mingle"]
        self.command = [sys.executable, "-m", "celery", "--app", "config", "worker", *options]
        self.log = log
        self.started = 0.0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(STOP_SECONDS)
        self.kill()

    def start(self) -> None:
        self.started = time.time()
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                self.command,
                stdout=output,
                stderr=output,
                # On Ctrl-C, the benchmark stops it.
                start_new_session=True,
            )

    def kill(self) -> None:
        """Kill it and its pool, like a crash of the machine."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def warm_up(self) -> float:
        """Run a first task, and return the seconds from the worker's start to that run."""
        samples.clear()
        noop.delay()
        return samples.wait(1)[0] - self.started

    def cpu(self) -> Cpu | None:
        """Return the CPU time since its start; None on a system without /proc."""
        try:
            own, ended = _times(self.process.pid)
            pool = sum(sum(_times(pid)) for pid in self.pool())
        except OSError:
            return None
        return Cpu(parent=own, pool=ended + pool)

    def memory(self) -> float | None:
        """Return its memory in MB, with its pool. Shared memory counts once."""
        try:
            return sum(_memory(pid) for pid in [self.process.pid, *self.pool()])
        except OSError:
            return None

    def pool(self) -> list[int]:
        """Return the process ids of its pool."""
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text()
        return [int(child) for child in children.split()]


def _times(pid: int) -> tuple[float, float]:
    """Return the CPU time in seconds: of a process, and of its children that ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    user, system, ended_user, ended_system = (int(field) for field in fields[11:15])
    ticks = os.sysconf("SC_CLK_TCK")
    return (user + system) / ticks, (ended_user + ended_system) / ticks


def _memory(pid: int) -> float:
    """Return a process's memory in MB, with shared memory divided among those that share it."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024

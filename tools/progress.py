"""Wait for an event for as long as something makes progress, however slow the machine is."""

import os
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

# Far longer than any pause of a healthy process, even on a very slow machine.
STUCK_SECONDS = 240
POLL_SECONDS = 0.05
# The most seconds that count between two looks: after more, the whole machine stood still.
PAUSE_SECONDS = 10
# Seconds between looks at all processes, which cost more than a call of `done()`.
LOOK_SECONDS = 1
# CPU time that counts as progress. An idle process that polls uses less in `STUCK_SECONDS`.
WORK_SECONDS = 5


class Stuck(TimeoutError):  # noqa: N818 - the outcome of a wait
    """Raised when a wait ends because nothing makes progress."""


class Patience:
    """End when `seen()` has returned the same for `STUCK_SECONDS`, or for other `seconds`."""

    def __init__(self, what: str, seen: Callable[[], object], seconds: float = 0) -> None:
        self._what = what
        self._seen = seen
        self._seconds = seconds or STUCK_SECONDS
        self._last = seen()
        self._idle = 0.0
        self._looked = time.monotonic()

    def check(self) -> None:
        """Raise `Stuck` if it has ended."""
        passed = time.monotonic() - self._looked
        if passed < LOOK_SECONDS:
            return
        self._looked += passed
        if (seen := self._seen()) != self._last:
            self._last, self._idle = seen, 0
            return
        self._idle += min(passed, PAUSE_SECONDS)
        if self._idle > self._seconds:
            raise Stuck(f"Nothing happened for {self._seconds} s while waiting until {self._what}.")


def wait_until(done: Callable[[], object], what: str, seen: Callable[[], object]) -> None:
    """Return as soon as `done()` is true. Raises `Stuck` when `seen()` stays the same too long."""
    patience = Patience(what, seen)
    while not done():
        patience.check()
        time.sleep(POLL_SECONDS)


def work(*pids: int) -> int:
    """Return the CPU time of processes and their descendants, in steps of `WORK_SECONDS`.

    Returns 0 on a system without /proc.
    """
    ticks = 0
    for pid in pids:
        for process in (pid, *descendants(pid)):
            with suppress(OSError):
                stat = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
                # User and system time, of the process and of its ended children.
                ticks += sum(map(int, stat[11:15]))
    return int(ticks / os.sysconf("SC_CLK_TCK") / WORK_SECONDS)


def descendants(pid: int) -> list[int]:
    """Return the ids of all descendants of a process, or none on a system without /proc."""
    children = defaultdict(list)
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            _, parent, *_ = stat.read_text().rpartition(")")[2].split()
            children[int(parent)].append(int(stat.parent.name))
    found = children[pid]
    for descendant in found:
        found += children[descendant]
    return found

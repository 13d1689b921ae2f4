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
# Seconds between looks at all processes, which cost more than a call of `done()`.
LOOK_SECONDS = 1
# CPU time that counts as progress. An idle process that polls uses less in `STUCK_SECONDS`.
WORK_SECONDS = 5


class Stuck(TimeoutError):  # noqa: N818 - the outcome of a wait
    """Raised when a wait ends because nothing makes progress."""


class Patience:
    """Ends when `seen()` has returned the same for `STUCK_SECONDS`."""

    def __init__(self, what: str, seen: Callable[[], object]) -> None:
        self._what = what
        self._seen = seen
        self._last = seen()
        self._since = self._looked = time.monotonic()

    def check(self) -> None:
        """Raise `Stuck` if it has ended."""
        now = time.monotonic()
        if now - self._looked < LOOK_SECONDS:
            return
        self._looked = now
        if (seen := self._seen()) != self._last:
            self._last, self._since = seen, now
        elif now - self._since > STUCK_SECONDS:
            raise Stuck(f"Nothing happened for {STUCK_SECONDS} s while waiting until {self._what}.")


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

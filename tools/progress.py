"""Waiting for as long as it takes on this machine, and no longer than something still happens."""

import os
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

# Nothing that is waited for is silent for so long, on a machine many times slower than usual.
STUCK_SECONDS = 240
POLL_SECONDS = 0.05
# To look at every process costs more than to ask whether the wait is over.
LOOK_SECONDS = 1
# What polls for work that never comes uses less within `STUCK_SECONDS`.
WORK_SECONDS = 5


class Stuck(TimeoutError):  # noqa: N818 - it says what became of the wait
    """Nothing happened any more while something was waited for."""


class Patience:
    """Ends when `seen()` has returned the same for `STUCK_SECONDS`."""

    def __init__(self, what: str, seen: Callable[[], object]) -> None:
        self._what = what
        self._seen = seen
        self._last = seen()
        self._since = self._looked = time.monotonic()

    def check(self) -> None:
        """Raise `Stuck` when it has ended."""
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
    """Return how much processes and all below them have computed, in steps of `WORK_SECONDS`.

    It is 0 on a system without /proc.
    """
    ticks = 0
    for pid in pids:
        for process in (pid, *descendants(pid)):
            with suppress(OSError):
                stat = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
                # In user and system mode, of its own and of children that have ended.
                ticks += sum(map(int, stat[11:15]))
    return int(ticks / os.sysconf("SC_CLK_TCK") / WORK_SECONDS)


def descendants(pid: int) -> list[int]:
    """Return every process below pid; none on a system without /proc."""
    children = defaultdict(list)
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            _, parent, *_ = stat.read_text().rpartition(")")[2].split()
            children[int(parent)].append(int(stat.parent.name))
    found = children[pid]
    for descendant in found:
        found += children[descendant]
    return found

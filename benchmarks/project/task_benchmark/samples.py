"""A file of numbers that tasks write and the benchmark reads, on any broker and result backend."""

import os
import struct
import time
from pathlib import Path

# The variable that holds the path of the file, for workers, too.
VARIABLE = "BENCHMARK_SAMPLES"
SIZE = struct.calcsize("d")
SECONDS = 60


class StuckError(Exception):
    """Raised if tasks do not run in time. The message has the number of those that ran."""


def add(number: float) -> None:
    """Add a number in one write, so that writes of several processes do not mix."""
    file = os.open(os.environ[VARIABLE], os.O_WRONLY | os.O_CREAT | os.O_APPEND, mode=0o600)
    os.write(file, struct.pack("d", number))
    os.close(file)


def clear() -> None:
    Path(os.environ[VARIABLE]).write_bytes(b"")


def read() -> list[float]:
    """Return the numbers in the order in which they were added."""
    data = Path(os.environ[VARIABLE]).read_bytes()
    return [number for (number,) in struct.iter_unpack("d", data)]


def wait(count: int, seconds: int = SECONDS) -> list[float]:
    """Wait for `count` numbers, and return them.

    Raises StuckError if none was added for this many seconds.
    """
    path = Path(os.environ[VARIABLE])
    came, since = 0, time.monotonic()
    while came < count:
        if time.monotonic() - since > seconds:
            raise StuckError(f"only {came} of {count} tasks ran, and none for {seconds} s")
        time.sleep(0.005)
        now = path.stat().st_size // SIZE
        if now > came:
            came, since = now, time.monotonic()
    return read()

"""A file of numbers that tasks write and the benchmark reads, on any broker and result backend."""

import os
import struct
import time
from pathlib import Path

# Names the file, also to workers.
VARIABLE = "BENCHMARK_SAMPLES"
SIZE = struct.calcsize("d")
SECONDS = 60


class StuckError(Exception):
    """Tasks did not run in time; the message says how many did."""


def add(number: float) -> None:
    """Add a number in one write, so that those of several processes do not mix."""
    file = os.open(os.environ[VARIABLE], os.O_WRONLY | os.O_CREAT | os.O_APPEND, mode=0o600)
    os.write(file, struct.pack("d", number))
    os.close(file)


def clear() -> None:
    Path(os.environ[VARIABLE]).write_bytes(b"")


def read() -> list[float]:
    """Return the numbers in the order in which they were added."""
    data = Path(os.environ[VARIABLE]).read_bytes()
    return [number for (number,) in struct.iter_unpack("d", data)]


def wait(count: int) -> list[float]:
    """Wait for as many numbers as `count`, and return them.

    Raises StuckError when none was added for a minute.
    """
    path = Path(os.environ[VARIABLE])
    came, since = 0, time.monotonic()
    while came < count:
        if time.monotonic() - since > SECONDS:
            raise StuckError(f"only {came} of {count} tasks ran, and none for {SECONDS} s")
        time.sleep(0.005)
        now = path.stat().st_size // SIZE
        if now > came:
            came, since = now, time.monotonic()
    return read()

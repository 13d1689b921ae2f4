"""Send tasks, and print the outcome of each as a line of JSON.

Its text runs inside a project: `python -c TEXT FOLDER TASK...`. Tasks write to files in the folder.
"""

# mypy: disable-error-code=import-not-found
# ruff: noqa: E402

import json
import sys
import time
from pathlib import Path

import config  # noqa: F401 - it names the settings
import django

django.setup()

from celery import chord as join
from tests.tasks import add, fail_twice, record, record_time

SECONDS = 120
POLL_SECONDS = 0.02


def seen(path: Path, count: int) -> list[float]:
    """Return the seconds until each of the first `count` lines of a file was written.

    Raises `TimeoutError` if no line was written for `SECONDS`.
    """
    start = time.monotonic()
    times: list[float] = []
    while len(times) < count:
        passed = time.monotonic() - start
        times += [passed] * (len(lines(path)) - len(times))
        if passed - max(times, default=0) > SECONDS:
            raise TimeoutError(f"only {len(times)} of {count} runs, and then none for {SECONDS} s")
        time.sleep(POLL_SECONDS)
    return times[:count]


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def result(_: Path) -> str:
    return f"add(2, 3) returned {add.delay(2, 3).get(timeout=SECONDS, interval=POLL_SECONDS)}"


def retry(notes: Path) -> str:
    fail_twice.delay(str(notes))
    first, second, third = seen(notes, 3)
    return f"failed after {first:.2f} s and {second:.2f} s, worked after {third:.2f} s"


def chord(notes: Path) -> str:
    join(add.s(n, n) for n in range(5))(record.s(str(notes)))
    seen(notes, 1)
    return f"five sums, joined in one task: {lines(notes)[0]}"


def countdown(notes: Path) -> str:
    sent = time.time()
    record_time.apply_async((str(notes),), countdown=1)
    seen(notes, 1)
    return f"asked to wait 1 s, ran after {float(lines(notes)[0]) - sent:.2f} s"


def periodic(notes: Path) -> str:
    first, second, third = seen(notes, len(lines(notes)) + 3)[-3:]
    return f"every 0.5 s: again after {second - first:.2f} s and {third - second:.2f} s"


def main(folder: str, *names: str) -> None:
    tasks = {task.__name__: task for task in (result, retry, chord, countdown, periodic)}
    for name in names:
        start = time.monotonic()
        try:
            outcome = {"what": tasks[name](Path(folder) / name), "worked": True}
        except Exception as error:
            outcome = {"what": f"{type(error).__name__}: {error}", "worked": False}
        print(json.dumps(outcome | {"seconds": time.monotonic() - start}), flush=True)


main(*sys.argv[1:])

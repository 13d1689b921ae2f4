"""Helpers for tests with a real worker: a process, a file for notes, and waiting."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from socket import gethostname
from typing import ClassVar

import pytest

from config import celery_app
from config.env import BASE_DIR

# A test fails when nothing has happened for this many seconds while it waits.
SECONDS = 60
# Tasks for the tests are in `tests/tasks.py`, and in other modules whose name ends in `tasks`.
TASKS = ",".join(f"tests.{path.stem}" for path in sorted((BASE_DIR / "tests").glob("*tasks.py")))
NAME = f"one@{gethostname()}"
# Do not look for other workers first, which takes a second.
WORKER = ("worker", "--include", TASKS, "--without-mingle", "--without-gossip")


class Notes:
    """A file that tasks write lines to."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    @property
    def lines(self) -> list[str]:
        text = Path(self.path).read_text() if Path(self.path).exists() else ""
        # The last line may be incomplete.
        return text[: text.rfind("\n") + 1].splitlines()

    def wait(self, count: int = 1) -> list[str]:
        """Wait for at least `count` lines, and return all lines."""
        wait_until(lambda: len(self.lines) >= count, f"{count} lines in {self.path}")
        return self.lines


def wait_until(done: Callable[[], bool], what: str = "the condition") -> None:
    """Wait until `done()` is true. Fail the test once no process logs anything more."""
    logged, since = -1, time.monotonic()
    while not done():
        size = sum(log.stat().st_size for log in Process.logs)
        if size != logged:
            logged, since = size, time.monotonic()
        elif time.monotonic() - since > SECONDS:
            pytest.fail(f"Waited for {what}: nothing was logged for {SECONDS} s.")
        time.sleep(0.02)


class Process:
    """A `celery` command that runs beside the tests, until it is stopped."""

    logs: ClassVar[set[Path]] = set()

    def __init__(self, log: Path, *arguments: str, app: str = "config", **env: str) -> None:
        self.log = log
        self.command = [sys.executable, "-m", "celery", "--app", app, *arguments]
        own = {"DJANGO_SETTINGS_MODULE": "config.settings.test", "REMAP_SIGTERM": "SIGQUIT"}
        self.environment = os.environ | env | own
        self.environment["CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT"] = "1"
        # Hide its temporary files from other tests.
        self.environment["TMPDIR"] = str(log.parent)
        self.start()

    def start(self) -> None:
        """Start it, or start it again: the log is continued."""
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                self.command, cwd=BASE_DIR, env=self.environment, stdout=output, stderr=output
            )
        self.logs.add(self.log)

    def wait_for_line(self, text: str) -> None:
        """Wait until the process logs `text`. Fail the test if it ends without doing so."""
        wait_until(lambda: text in self.log.read_text() or self.ended, f"{text!r} in the log")
        if text not in self.log.read_text():
            pytest.fail(f"The process ended without logging {text!r}:\n{self.log.read_text()}")

    @property
    def ended(self) -> bool:
        return self.process.poll() is not None

    def stop(self) -> None:
        """Stop it as a supervisor does: kill it if it does not stop in time."""
        self.process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(60)
        self.process.kill()
        self.process.wait()
        # A broker may still answer the last poll of the stopped worker.
        time.sleep(celery_app.conf.broker_transport_options.get("wait_time_seconds", 0))


def is_idle() -> bool:
    """Return whether no task is waiting or running."""
    # Imported here, because Django may not be set up when a process imports `tests`.
    from task_queue.broker import count_unacknowledged
    from task_queue.doctor import count_waiting

    def worker_is_idle() -> bool:
        if celery_app.conf.worker_enable_remote_control:
            # Ask again soon: a worker that has just started may miss the question.
            worker = celery_app.control.inspect([NAME], timeout=10, limit=1)
            states = (worker.scheduled, worker.reserved, worker.active)
            return all(state() == {NAME: []} for state in states)
        # Reuse a connection: making one may take longer than the query.
        with celery_app.connection_or_acquire() as broker:
            return count_unacknowledged(broker.default_channel) == 0

    # Ask again: a task may have been sent, or taken, between the questions.
    return worker_is_idle() and not any(count_waiting().values()) and worker_is_idle()

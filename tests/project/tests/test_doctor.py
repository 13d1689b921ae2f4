"""`manage.py doctor` reports what works, and suggests a fix for what does not."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from config import celery_app
from config.env import BASE_DIR, env
from task_queue.doctor import UnhealthyError, database
from task_queue.health import within
from tests.fixtures import SECONDS, WORKER, Process, wait_until
from tests.workers import broker_at

pytestmark = [pytest.mark.usefixtures("celery"), pytest.mark.django_db(transaction=True)]

LINES = ("Database", "Broker", "Workers", "Queues", "Tasks", "Results")
ALL_OK = dict.fromkeys(LINES, "ok")


class Report:
    """The output of the command: its text, and the state of each line."""

    def __init__(self, seconds: float, **variables: str) -> None:
        self.process = subprocess.run(
            [sys.executable, "manage.py", "doctor", "--seconds", str(seconds)],
            cwd=BASE_DIR,
            env=os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings.test"} | variables,
            capture_output=True,
            text=True,
            check=False,
        )
        self.text = self.process.stdout
        found = re.findall(r"^(\w[\w ]*?) +(ok|failed|skipped) ", self.text, re.MULTILINE)
        self.states = dict(found)
        assert self.process.stderr == ""
        assert self.process.returncode == int(set(self.states.values()) != {"ok"})

    def line(self, name: str) -> str:
        return next(line for line in self.text.splitlines() if line.startswith(name))

    def tasks_in(self, queue: str) -> int:
        return int(self.line("Queues").partition(f" in {queue}")[0].split()[-1])


def report_once(
    found: Callable[[Report], bool], seconds: float = SECONDS, **variables: str
) -> Report:
    """Run the command until this is found, since a slow machine may time out."""
    printed: list[Report] = []

    def is_found() -> bool:
        printed.append(Report(seconds, **variables))
        return found(printed[-1])

    wait_until(is_found, "the expected report")
    return printed[-1]


def is_healthy(report: Report) -> bool:
    return set(report.states.values()) == {"ok"}


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Return variables for queues without a worker. They are purged at the end."""
    variables = {"QUEUE_PREFIX": "elsewhere"}
    yield variables
    Process(tmp_path / "purge.log", "purge", "--force", **variables).process.wait(SECONDS)


def test_everything_is_ok_with_a_worker(worker: Process) -> None:
    report = report_once(lambda report: ALL_OK.items() <= report.states.items())
    assert re.search(r" answers \(\d+ ms\)$", report.line("Broker"))
    assert re.search(r" \d+ in default, \d+ in slow ", report.line("Queues"))
    assert re.search(r" run from .*default.* \(\d+ ms\)$", report.line("Tasks"))
    if celery_app.conf.worker_enable_remote_control:
        assert re.search(r" one@\S+ reads default and slow", report.line("Workers"))


def test_a_queue_without_a_worker_is_reported(elsewhere: dict[str, str], tmp_path: Path) -> None:
    worker = Process(tmp_path / "log", *WORKER, "--queues", "default", **elsewhere)
    try:
        worker.wait_for_line("ready.")
        one_queue = report_once(
            lambda report: "none run from slow within" in report.text, seconds=2, **elsewhere
        )
    finally:
        worker.stop()
    assert "Start a worker that reads it: celery -A config worker -Q slow" in one_queue.text

    no_worker = report_once(
        lambda report: "none run from default and slow within" in report.text,
        seconds=1,
        **elsewhere,
    )
    assert no_worker.tasks_in("slow") > one_queue.tasks_in("slow")
    assert "Start a worker: make worker" in no_worker.text


def test_an_unreachable_broker_is_reported_without_its_password() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        report = Report(SECONDS, CELERY_BROKER_URL=broker_at(closed))
    assert report.states["Database"] == "ok"
    assert report.states["Broker"] == "failed"
    assert report.states["Tasks"] == "skipped"
    assert "sesame" not in report.text


def test_a_silent_server_is_a_timeout() -> None:
    def never() -> bool:
        return Event().wait()

    with pytest.raises(TimeoutError, match=r"no answer within 0\.1 s"):
        within(0.1, never)


def test_an_unreachable_database_is_reported() -> None:
    url = env("DATABASE_URL").rpartition("/")[0] + "/nowhere/at_all"
    report = Report(3, DATABASE_URL=url)
    assert report.states["Database"] == "failed"
    assert report.states["Tasks"] == "skipped"


def test_a_missing_migration_is_reported() -> None:
    recorder = MigrationRecorder(connection)
    recorder.record_unapplied("task_queue", "0001_initial")
    try:
        with pytest.raises(UnhealthyError, match="migrations missing: 1") as missing:
            database(SECONDS)
    finally:
        recorder.record_applied("task_queue", "0001_initial")
    assert missing.value.fix == "Apply them: make migrate"

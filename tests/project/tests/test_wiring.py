"""`manage.py wiring` tells what works, and what to do where something does not."""

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
from health.lines import WiringError
from health.management.commands.wiring import ask
from health.wiring import database
from tests.fixtures import SECONDS, WORKER, Process, broker_at, wait_until

pytestmark = [pytest.mark.usefixtures("celery"), pytest.mark.django_db(transaction=True)]

LINES = ("Database", "Broker", "Workers", "Queues", "Tasks", "Results")
ALL_WELL = dict.fromkeys(LINES, "ok")


class Wiring:
    """What the command printed: the state of each line, and the text."""

    def __init__(self, seconds: float, **variables: str) -> None:
        self.process = subprocess.run(
            [sys.executable, "manage.py", "wiring", "--seconds", str(seconds)],
            cwd=BASE_DIR,
            env=os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings.test"} | variables,
            capture_output=True,
            text=True,
            check=False,
        )
        self.text = self.process.stdout
        lines = [line.split() for line in self.text.splitlines() if not line.startswith(" ")]
        self.states = {name: state for name, state, *_ in lines}
        assert self.process.stderr == ""
        assert self.process.returncode == int(set(self.states.values()) != {"ok"})

    def line(self, name: str) -> str:
        return next(line for line in self.text.splitlines() if line.startswith(name))

    def tasks_in(self, queue: str) -> int:
        return int(self.line("Queues").partition(f" in {queue}")[0].split()[-1])


def wiring_once(
    found: Callable[[Wiring], bool], seconds: float = SECONDS, **variables: str
) -> Wiring:
    """What the command prints once this is found: on a slow machine, answers may come too late."""
    printed: list[Wiring] = []

    def is_found() -> bool:
        printed.append(Wiring(seconds, **variables))
        return found(printed[-1])

    wait_until(is_found, "what is to be found")
    return printed[-1]


def is_well(wiring: Wiring) -> bool:
    return set(wiring.states.values()) == {"ok"}


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Variables for queues that no other worker reads; what is in them in the end is removed."""
    variables = {"QUEUE_PREFIX": "elsewhere"}
    yield variables
    Process(tmp_path / "purge.log", "purge", "--force", **variables).process.wait(SECONDS)


def test_all_is_well_with_a_worker(worker: Process) -> None:
    wiring = wiring_once(lambda wiring: ALL_WELL.items() <= wiring.states.items())
    assert re.search(r" answers in \d+ ms$", wiring.line("Broker"))
    assert re.search(r" \d+ in default, \d+ in slow$", wiring.line("Queues"))
    assert re.search(r" run from .*default in \d+ ms", wiring.line("Tasks"))
    if celery_app.conf.worker_enable_remote_control:
        assert re.search(r" one@\S+ reads default and slow", wiring.line("Workers"))


def test_a_queue_that_nobody_reads_is_found(elsewhere: dict[str, str], tmp_path: Path) -> None:
    worker = Process(tmp_path / "log", *WORKER, "--queues", "default", **elsewhere)
    try:
        worker.wait_for_line("ready.")
        one_queue = wiring_once(
            lambda wiring: "none run from slow within" in wiring.text, seconds=2, **elsewhere
        )
    finally:
        worker.stop()
    assert "Start a worker that reads it: celery -A config worker -Q slow" in one_queue.text

    no_worker = wiring_once(
        lambda wiring: "none run from default,slow within" in wiring.text, seconds=1, **elsewhere
    )
    assert no_worker.tasks_in("slow") > one_queue.tasks_in("slow")
    assert "Start a worker: make worker" in no_worker.text


def test_a_broker_that_is_away_is_told_without_its_password() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        wiring = Wiring(SECONDS, CELERY_BROKER_URL=broker_at(closed))
    assert wiring.states["Database"] == "ok"
    assert wiring.states["Broker"] == "failed"
    assert wiring.states["Tasks"] == "skipped"
    assert "sesame" not in wiring.text


def test_what_is_silent_is_not_waited_for() -> None:
    def never(seconds: float) -> str:
        return str(Event().wait())

    with pytest.raises(WiringError, match=r"no answer within 0\.1 s"):
        ask(never, 0.1)


def test_a_database_that_is_away_is_told() -> None:
    url = env("DATABASE_URL").rpartition("/")[0] + "/nowhere/at_all"
    wiring = Wiring(3, DATABASE_URL=url)
    assert wiring.states["Database"] == "failed"
    assert wiring.states["Tasks"] == "skipped"


def test_a_migration_that_is_missing_is_told() -> None:
    recorder = MigrationRecorder(connection)
    recorder.record_unapplied("health", "0001_initial")
    try:
        with pytest.raises(WiringError, match="migrations missing: 1") as missing:
            database(SECONDS)
    finally:
        recorder.record_applied("health", "0001_initial")
    assert missing.value.fix == "Apply them: make migrate"

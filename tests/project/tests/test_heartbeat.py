"""The heartbeat of beat, as `manage.py doctor` reports it."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone

from task_queue import health
from task_queue.doctor import BEAT, UnhealthyError, beat, tick
from task_queue.models import Heartbeat
from tests import SECONDS, Process, wait_until
from tests.doctor import is_healthy, report_once

pytestmark = [pytest.mark.usefixtures("worker"), pytest.mark.django_db(transaction=True)]


def test_everything_is_ok_with_beat(tmp_path: Path) -> None:
    process = Process(tmp_path / "log", "beat", "--schedule", str(tmp_path / "schedule"))
    try:
        wait_until(Heartbeat.objects.filter(name=BEAT).exists, what="a tick")
    finally:
        process.stop()
    report_once(is_healthy)


def test_beat_that_never_ran_is_reported() -> None:
    with pytest.raises(UnhealthyError, match="has not ticked yet"):
        beat(SECONDS)


def test_beat_that_stopped_is_reported() -> None:
    Heartbeat.objects.create(name=BEAT, at=timezone.now() - timedelta(minutes=5))
    with pytest.raises(UnhealthyError, match=r"last ticked \d+ s ago, but"):
        beat(SECONDS)


def test_task_health_is_503_while_no_worker_runs_the_tasks_of_beat(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "SECONDS", SECONDS)
    tick.delay()
    wait_until(Heartbeat.objects.exists, "a tick")
    assert client.get("/health/tasks/").status_code == 200
    Heartbeat.objects.update(at=timezone.now() - timedelta(minutes=5))
    assert client.get("/health/tasks/").status_code == 503


@pytest.mark.usefixtures("celery")
def test_loglevel_and_logfile_of_beat_are_honoured(tmp_path: Path) -> None:
    file = tmp_path / "file"
    options = ["--loglevel", "DEBUG", "--logfile", str(file)]
    process = Process(tmp_path / "log", "beat", *options, "--schedule", str(tmp_path / "schedule"))
    try:
        wait_until(lambda: file.exists() and "[debug " in file.read_text(), "a line in the file")
    finally:
        process.stop()
    assert "[info " not in process.log.read_text()

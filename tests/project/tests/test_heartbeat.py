"""Beat shows that it works, and `manage.py doctor` reports it."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from task_queue.doctor import UnhealthyError
from task_queue.heartbeat import NAME, beat
from task_queue.models import Heartbeat
from tests.fixtures import SECONDS, Process, wait_until
from tests.test_doctor import is_well, report_once

pytestmark = [pytest.mark.usefixtures("worker"), pytest.mark.django_db(transaction=True)]


def test_all_is_well_with_beat(tmp_path: Path) -> None:
    process = Process(tmp_path / "log", "beat", "--schedule", str(tmp_path / "schedule"))
    try:
        wait_until(Heartbeat.objects.filter(name=NAME).exists, what="a tick")
    finally:
        process.stop()
    report_once(is_well)


def test_beat_that_never_ran_is_found() -> None:
    with pytest.raises(UnhealthyError, match="has not ticked yet"):
        beat(SECONDS)


def test_beat_that_stopped_is_found() -> None:
    Heartbeat.objects.create(name=NAME, at=timezone.now() - timedelta(minutes=5))
    with pytest.raises(UnhealthyError, match="last ticked 300 s ago"):
        beat(SECONDS)


@pytest.mark.usefixtures("celery")
def test_the_level_and_the_file_of_beat_s_command_count(tmp_path: Path) -> None:
    file = tmp_path / "file"
    options = ["--loglevel", "DEBUG", "--logfile", str(file)]
    process = Process(tmp_path / "log", "beat", *options, "--schedule", str(tmp_path / "schedule"))
    try:
        wait_until(lambda: file.exists() and "[debug " in file.read_text(), "a line in the file")
    finally:
        process.stop()
    assert "[info " not in process.log.read_text()

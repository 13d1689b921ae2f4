"""Beat with its schedule in the settings."""

import shelve
from pathlib import Path

import pytest

from task_queue.doctor import BEAT
from task_queue.models import Heartbeat
from tests import Process, is_idle, wait_until

pytestmark = [pytest.mark.usefixtures("worker"), pytest.mark.django_db(transaction=True)]


def test_a_killed_beat_has_stored_what_it_sent(tmp_path: Path) -> None:
    schedule = str(tmp_path / "schedule")
    beat = Process(tmp_path / "log", "beat", "--schedule", schedule, "--max-interval", "1")
    beat.wait_for_line("Sending due task heartbeat")
    wait_until(Heartbeat.objects.filter(name=BEAT).exists, "a tick")
    beat.process.kill()
    beat.process.wait()
    wait_until(is_idle, "the worker to run the last tick")
    with shelve.open(schedule) as stored:  # noqa: S301
        assert stored["entries"]["heartbeat"].total_run_count

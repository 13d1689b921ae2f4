"""Beat with its schedule in the settings."""

import shelve
from pathlib import Path

import pytest

from tests import Process, is_idle, wait_until

pytestmark = [pytest.mark.usefixtures("worker"), pytest.mark.django_db(transaction=True)]


def test_a_killed_beat_has_stored_what_it_sent(tmp_path: Path) -> None:
    schedule = str(tmp_path / "schedule")
    beat = Process(tmp_path / "log", "beat", "--schedule", schedule, "--max-interval", "1")
    # When it sends the second tick, it has stored the first.
    wait_until(lambda: beat.log.read_text().count("Sending due task heartbeat") > 1, "two ticks")
    beat.process.kill()
    beat.process.wait()
    wait_until(is_idle, "the worker to run the last tick")
    with shelve.open(schedule) as stored:  # noqa: S301 - beat wrote it
        assert stored["entries"]["heartbeat"].total_run_count

"""Beat sends periodic tasks."""

from pathlib import Path

import pytest

from task_queue.models import Heartbeat
from tests import Process, is_idle, wait_until

pytestmark = [pytest.mark.usefixtures("worker"), pytest.mark.django_db(transaction=True)]


def test_a_periodic_task_runs(tmp_path: Path) -> None:
    schedule = str(tmp_path / "schedule")
    # By default, beat may check its schedule only every five seconds.
    beat = Process(tmp_path / "log", "beat", "--schedule", schedule, "--max-interval", "1")
    try:
        # The first tick does not come from the schedule.
        beat.wait_for_line("Sending due task heartbeat")
        Heartbeat.objects.all().delete()
        wait_until(Heartbeat.objects.exists, "a tick of the schedule")
    finally:
        beat.stop()
        wait_until(is_idle, "the worker to run the last tick")

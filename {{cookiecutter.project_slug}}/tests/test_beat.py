"""Beat sends periodic tasks."""

from datetime import datetime
from pathlib import Path

import pytest

from conftest import Process, is_idle, wait_until
from task_queue.models import Heartbeat

pytestmark = [pytest.mark.usefixtures("worker"), pytest.mark.django_db(transaction=True)]


def test_a_periodic_task_runs_again_and_again(tmp_path: Path) -> None:
    ticks: set[datetime] = set()

    def has_ticked_again() -> bool:
        ticks.update(Heartbeat.objects.values_list("at", flat=True))
        # Beat itself sends the first tick when it starts.
        return len(ticks) >= 3

    schedule = str(tmp_path / "schedule")
    # By default, beat may check its schedule only every five seconds.
    beat = Process(tmp_path / "log", "beat", "--schedule", schedule, "--max-interval", "1")
    try:
        wait_until(has_ticked_again, "two ticks of the schedule")
    finally:
        beat.stop()
        wait_until(is_idle, "the worker to run the last tick")

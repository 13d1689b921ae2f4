"""Beat sends periodic tasks."""

from datetime import datetime
from pathlib import Path

import pytest

from task_queue.models import Heartbeat
from tests import Process, is_idle, wait_until

pytestmark = [pytest.mark.usefixtures("worker"), pytest.mark.django_db(transaction=True)]


def test_a_periodic_task_runs(tmp_path: Path) -> None:
    ticks: set[datetime] = set()

    def has_ticked_again() -> bool:
        ticks.update(Heartbeat.objects.values_list("at", flat=True))
        # Beat itself sends the first tick when it starts, and the schedule the second.
        return len(ticks) >= 2

    schedule = str(tmp_path / "schedule")
    # By default, beat may check its schedule only every five seconds.
    beat = Process(tmp_path / "log", "beat", "--schedule", schedule, "--max-interval", "1")
    try:
        wait_until(has_ticked_again, "a tick of the schedule")
    finally:
        beat.stop()
        wait_until(is_idle, "the worker to run the last tick")

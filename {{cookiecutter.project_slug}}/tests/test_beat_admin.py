"""Beat starts what is scheduled in the admin, also while it runs."""

import json
from pathlib import Path

import pytest
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from tests.conftest import Notes, Process

pytestmark = [pytest.mark.usefixtures("worker"), pytest.mark.django_db(transaction=True)]


def test_a_task_added_in_the_admin_runs(notes: Notes, tmp_path: Path) -> None:
    beat = Process(tmp_path / "log", "beat", "--max-interval", "1")
    try:
        beat.wait_for_line("beat: Starting...")
        PeriodicTask.objects.create(
            name="added",
            task="tests.tasks.record",
            args=json.dumps(["added", notes.path]),
            interval=IntervalSchedule.objects.create(every=1, period=IntervalSchedule.SECONDS),
        )
        assert notes.wait(2)[:2] == ["added", "added"]
    finally:
        beat.stop()

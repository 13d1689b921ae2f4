"""Beat runs the schedule in the admin, and picks up changes."""

import json
from pathlib import Path

import pytest
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from tests import Notes, Process, wait_until

pytestmark = [pytest.mark.usefixtures("worker"), pytest.mark.django_db(transaction=True)]


def test_a_task_scheduled_in_the_admin_runs_as_it_was_last_saved(
    notes: Notes, tmp_path: Path
) -> None:
    task = PeriodicTask.objects.create(
        name="test",
        task="tests.tasks.record",
        args=json.dumps(["added", notes.path]),
        interval=IntervalSchedule.objects.create(every=1, period=IntervalSchedule.SECONDS),
    )
    beat = Process(tmp_path / "log", "beat", "--max-interval", "1")
    try:
        assert set(notes.wait(2)) == {"added"}
        task.args = json.dumps(["changed", notes.path])
        task.save()
        wait_until(lambda: "changed" in notes.lines)
    finally:
        beat.stop()

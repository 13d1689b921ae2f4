"""Urgent tasks of Django's own task API overtake waiting ones."""

from pathlib import Path

import pytest

from tests import Notes, django_tasks

pytestmark = [pytest.mark.usefixtures("worker"), pytest.mark.django_db(transaction=True)]


def test_an_urgent_task_overtakes(notes: Notes, tmp_path: Path) -> None:
    busy = Notes(tmp_path / "busy")
    for process in "12":
        django_tasks.wait_for.using(priority=100).enqueue(busy.path, str(tmp_path / process))
    busy.wait(2)
    for priority in (-100, 0, 100):
        django_tasks.record.using(priority=priority).enqueue(f"priority {priority}", notes.path)
    (tmp_path / "1").touch()
    order = notes.wait(3)
    (tmp_path / "2").touch()
    assert order == ["priority 100", "priority 0", "priority -100"]

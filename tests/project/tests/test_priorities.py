"""Urgent tasks overtake waiting ones."""

from pathlib import Path

import pytest

from tests import Notes
from tests.tasks import record, wait_for

pytestmark = pytest.mark.usefixtures("worker")


def test_an_urgent_task_overtakes(notes: Notes, tmp_path: Path) -> None:
    busy = Notes(tmp_path / "busy")
    for process in "12":
        wait_for.delay(busy.path, str(tmp_path / process))
    busy.wait(2)
    for priority in (9, 5, 0):
        record.apply_async((f"priority {priority}", notes.path), priority=priority)
    (tmp_path / "1").touch()
    order = notes.wait(3)
    (tmp_path / "2").touch()
    busy.wait(4)
    assert order == ["priority 0", "priority 5", "priority 9"]

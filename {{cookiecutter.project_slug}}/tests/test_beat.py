"""Beat starts what is due."""

from pathlib import Path

import pytest

from tests.fixtures import Notes, Process

pytestmark = pytest.mark.usefixtures("worker")


def test_a_periodic_task_runs_again_and_again(notes: Notes, tmp_path: Path) -> None:
    schedule = ("--schedule", str(tmp_path / "schedule"), "--max-interval", "1")
    beat = Process(tmp_path / "log", "beat", *schedule, app="tests.beat", TICKS=notes.path)
    try:
        assert notes.wait(2)[:2] == ["tick", "tick"]
    finally:
        beat.stop()

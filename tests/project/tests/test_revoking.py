"""Revoking waiting and running tasks."""

from pathlib import Path

from tests import Notes, Process
from tests.machinery_tasks import die_once
from tests.tasks import record, wait_for


def test_a_revoked_task_never_runs(notes: Notes, worker: Process, tmp_path: Path) -> None:
    busy = Notes(tmp_path / "busy")
    for _ in range(2):
        wait_for.delay(busy.path, str(tmp_path / "end"))
    busy.wait(2)
    task = record.delay("revoked", notes.path)
    task.revoke()
    worker.wait_for_line(f"Tasks flagged as revoked: {task.id}")
    (tmp_path / "end").touch()
    worker.wait_for_line(f"Discarding revoked task: tests.tasks.record[{task.id}]")
    assert notes.lines == []


def test_terminated_tasks_stop(notes: Notes, worker: Process, tmp_path: Path) -> None:
    """Both processes of the worker are busy until their tasks stop."""
    tasks = [wait_for.delay(notes.path, str(tmp_path / "never")) for _ in range(2)]
    notes.wait(2)
    for task in tasks:
        task.revoke(terminate=True, signal="SIGUSR1")
    record.delay("next", notes.path)
    assert notes.wait(3) == ["started", "started", "next"]


def test_a_task_is_kept_when_its_process_dies_after_a_terminated_task(
    notes: Notes, worker: Process, tmp_path: Path
) -> None:
    tasks = [wait_for.delay(notes.path, str(tmp_path / "never")) for _ in range(2)]
    notes.wait(2)
    for task in tasks:
        task.revoke(terminate=True, signal="SIGUSR1")
    die_once.delay(notes.path)
    assert notes.wait(5)[2:] == ["dying", "interrupted once", "None"]

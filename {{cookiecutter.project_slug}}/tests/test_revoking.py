"""A task that is no longer wanted is stopped."""

from tests.conftest import Notes, Process
from tests.tasks import record, wait_for


def test_a_waiting_task_that_is_revoked_never_runs(notes: Notes, worker: Process) -> None:
    task = record.apply_async(("revoked", notes.path), countdown=1)
    task.revoke()
    worker.wait_for_line(f"Discarding revoked task: tests.tasks.record[{task.id}]")
    assert notes.lines == []


def test_a_running_task_that_is_terminated_stops(notes: Notes, worker: Process) -> None:
    task = wait_for.delay(notes.path, "/nowhere")
    notes.wait()
    task.revoke(terminate=True)
    worker.wait_for_line(f"Terminating {task.id}")
    record.delay("next", notes.path)
    assert notes.wait(2) == ["started", "next"]

"""With `--statedb`, a worker remembers revoked tasks when it restarts."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from celery import Celery

from tests import Notes, Process
from tests.tasks import record
from tests.workers import restart


@pytest.fixture
def worker_with_statedb(worker: Process, tmp_path: Path) -> Iterator[Process]:
    command = worker.command
    worker.command = [*command, "--statedb", str(tmp_path / "state")]
    restart(worker)
    yield worker
    worker.command = command
    restart(worker)


def test_a_revoked_task_does_not_run_after_a_restart(
    celery: Celery, notes: Notes, worker_with_statedb: Process
) -> None:
    revoked = str(uuid4())
    celery.control.revoke(revoked)
    worker_with_statedb.wait_for_line(f"Tasks flagged as revoked: {revoked}")
    restart(worker_with_statedb)
    record.apply_async(("revoked", notes.path), task_id=revoked)
    worker_with_statedb.wait_for_line(f"Discarding revoked task: tests.tasks.record[{revoked}]")
    assert notes.lines == []

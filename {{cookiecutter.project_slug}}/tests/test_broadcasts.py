"""A task that every worker runs."""

import pytest

from config.broadcast import broadcast
from tests.conftest import Notes, StartWorker
from tests.tasks import record_worker

pytestmark = pytest.mark.usefixtures("worker")


def test_a_broadcast_reaches_every_worker(notes: Notes, start_worker: StartWorker) -> None:
    start_worker("other")
    broadcast(record_worker, notes.path)
    assert sorted(notes.wait(2)) == ["one", "other"]

"""A task that every worker runs."""

import pytest
from celery import Celery

from config.broadcast import broadcast
from tests.fixtures import Notes, StartWorker, wait_until
from tests.machinery_tasks import record_worker

pytestmark = pytest.mark.usefixtures("worker")


def test_a_broadcast_reaches_every_worker(
    celery: Celery, notes: Notes, start_worker: StartWorker
) -> None:
    start_worker("other")
    wait_until(lambda: len(celery.control.ping(timeout=0.5) or []) == 2, what="two workers")
    broadcast(record_worker, notes.path)
    assert sorted(notes.wait(2)) == ["one", "other"]

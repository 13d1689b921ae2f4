"""Broadcasts, which every worker runs."""

import pytest
from celery import Celery

from task_queue.base import broadcast
from tests import Notes, wait_until
from tests.machinery_tasks import record_worker
from tests.workers import StartWorker

pytestmark = pytest.mark.usefixtures("worker")


def test_a_broadcast_reaches_every_worker(
    celery: Celery, notes: Notes, start_worker: StartWorker
) -> None:
    start_worker("other")
    # Workers log "ready." a moment before they listen to broadcasts.
    wait_until(lambda: len(celery.control.ping(timeout=5, limit=2) or []) == 2, "two workers")
    broadcast(record_worker, notes.path)
    assert sorted(notes.wait(2)) == ["one", "other"]

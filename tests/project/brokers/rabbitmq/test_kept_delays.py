"""RabbitMQ keeps a delayed task, so that workers need no memory for it."""

import time

from celery import Celery

from tests import NAME, Notes, Process
from tests.tasks import record

# RabbitMQ counts whole seconds. A worker waits for the rest.
EARLY = 2


def test_no_worker_holds_a_task_that_is_not_due(
    celery: Celery, worker: Process, notes: Notes
) -> None:
    due = time.time() + 6
    record.apply_async(("due", notes.path), countdown=6)
    inspect = celery.control.inspect([NAME], timeout=10, limit=1)
    replies = []
    while not notes.lines:
        reply = inspect.scheduled()
        if time.time() < due - EARLY:
            replies.append(reply)
    assert {NAME: []} in replies
    assert all(reply in ({NAME: []}, None) for reply in replies)
    assert notes.lines == ["due"]

"""RabbitMQ keeps a delayed task, so that workers need no memory for it."""

from celery import Celery

from tests import NAME, Notes, Process
from tests.tasks import record


def test_no_worker_holds_a_task_that_is_not_due(
    celery: Celery, worker: Process, notes: Notes
) -> None:
    record.apply_async(("due", notes.path), countdown=5)
    inspect = celery.control.inspect([NAME], timeout=10, limit=1)
    while not notes.lines:
        assert inspect.scheduled() in ({NAME: []}, None)
    assert notes.lines == ["due"]

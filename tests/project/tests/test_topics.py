"""Routing by topic."""

import pytest

from config import celery_app
from tests import Notes
from tests.machinery_tasks import record_queue_twice

pytestmark = pytest.mark.usefixtures("worker")


@pytest.mark.parametrize("countdown", [0, 1])
def test_a_task_and_its_retry_are_routed_by_their_topic(countdown: float, notes: Notes) -> None:
    slow = celery_app.amqp.queues["slow"]
    topic = slow.routing_key.replace("#", "reports.monthly")
    record_queue_twice.apply_async(
        (notes.path,), exchange=slow.exchange.name, routing_key=topic, countdown=countdown
    )
    assert [topic in line for line in notes.wait(2)] == [True, True]

"""Routing by topic."""

import pytest

from config import celery_app
from tests import Notes
from tests.tasks import record

pytestmark = pytest.mark.usefixtures("worker")


def test_a_task_is_routed_by_its_topic(notes: Notes) -> None:
    slow = celery_app.amqp.queues["slow"]
    topic = slow.routing_key.replace("#", "reports.monthly")
    record.apply_async(("by topic", notes.path), exchange=slow.exchange.name, routing_key=topic)
    assert notes.wait() == ["by topic"]

"""What is in PGMQ and no message is dropped; the worker goes on, and nobody gets it again."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from celery import Celery

from tests.fixtures import Notes, Process, wait_until
from tests.tasks import record

pytestmark = pytest.mark.django_db(transaction=True)


def send(celery: Celery, message: Any) -> None:
    """Send what kombu would not."""
    queue = celery.amqp.queues["default"]
    with celery.connection_for_write() as connection:
        channel: Any = connection.default_channel
        channel.pgmq.send(channel._queue_name(queue.name), message)


@pytest.mark.parametrize(
    "message",
    [
        {"text": "hello"},
        {"properties": None},
        {"properties": {"delivery_info": 1}},
        {"properties": {"delivery_tag": "1", "body_encoding": "base64"}, "body": "x"},
        {"properties": {"delivery_tag": "1", "body_encoding": "none"}, "body": "x"},
        {"properties": {"delivery_tag": []}, "headers": 1},
        ["no", "object"],
        "text",
        1,
        None,
    ],
    ids=str,
)
def test_what_is_no_message_is_dropped(
    message: Any, celery: Celery, worker: Process, notes: Notes
) -> None:
    said = worker.log.read_text()
    send(celery, message)
    wait_until(lambda: "unknown message" in worker.log.read_text().removeprefix(said))
    record.delay("goes on", notes.path)
    assert notes.wait() == ["goes on"]
    assert not worker.ended


def test_processes_that_start_at_once_make_the_queues_together(celery: Celery) -> None:
    def declare(_: int) -> None:
        with celery.connection_for_write() as connection:
            queue = celery.amqp.queues["default"](connection.default_channel)
            for _ in range(20):
                queue.declare()

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(declare, range(4)))

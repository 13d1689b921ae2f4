"""A task on its way from Redis to a worker is not lost when the worker, or the network, dies."""

from collections.abc import Iterator
from typing import Any

import pytest
from celery import Celery
from kombu import Connection, Consumer, Message, Queue

from tests.conftest import wait_until

QUEUE = Queue("handover", routing_key="handover")


@pytest.fixture
def waiting(celery: Celery) -> Iterator[Connection]:
    """A connection that has asked for a message, and does not read the answer."""
    with celery.connection_for_read() as connection:
        Consumer(connection, [QUEUE]).consume()
        with pytest.raises(TimeoutError):
            connection.drain_events(timeout=0.1)
        yield connection


@pytest.mark.usefixtures("waiting")
def test_a_worker_that_no_longer_reads_takes_no_task_with_it(celery: Celery) -> None:
    with celery.producer_or_acquire() as producer:
        producer.publish("text", exchange="", routing_key=QUEUE.name)
    assert receive(celery) == "text"


def test_what_is_no_message_is_dropped(celery: Celery, caplog: pytest.LogCaptureFixture) -> None:
    with celery.connection_for_write() as connection:
        channel: Any = connection.default_channel
        channel.client.rpush(QUEUE.name, "garbage", '{"properties": null}')
        connection.Producer().publish("text", exchange="", routing_key=QUEUE.name)
    assert receive(celery) == "text"
    assert caplog.text.count("Dropped what is no message") == 2


def receive(celery: Celery) -> object:
    """What the next message says that a worker gets."""
    received = []

    def note(message: Message) -> None:
        message.ack()
        received.append(message.payload)

    with (
        celery.connection_for_read() as connection,
        Consumer(connection, [QUEUE], on_message=note),
    ):
        wait_until(lambda: drained(connection), what="a message")
    return received[0]


def drained(connection: Connection) -> bool:
    """Whether a message came within a second."""
    try:
        connection.drain_events(timeout=1)
    except TimeoutError:
        return False
    return True

"""Sending survives a broken connection to the broker."""

from typing import Any

import pytest
from celery import Celery
from kombu import Queue

from tests import Notes
from tests.machinery_tasks import record_alone

pytestmark = pytest.mark.usefixtures("worker")


def test_a_task_is_sent_on_a_new_channel_after_its_own_was_closed(
    celery: Celery, notes: Notes
) -> None:
    with celery.producer_or_acquire() as producer:
        producer.channel.close()
        # A retry does not declare the queue, either.
        again: Any = record_alone.s("sent", notes.path)
        again.apply_async(producer=producer, declare=[])
    assert notes.wait() == ["sent"]


def test_a_task_is_sent_although_the_connection_breaks_while_its_queue_is_declared(
    celery: Celery, notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kombu continues on the channel that it closed, because only the queue has the new one."""
    declare: Any = Queue.declare
    with celery.connection_for_write() as connection:
        lost = [connection.recoverable_connection_errors[0]("the connection is lost")]

        def break_once(queue: Queue, **options: Any) -> Any:
            if lost:
                raise lost.pop()
            return declare(queue, **options)

        monkeypatch.setattr(Queue, "declare", break_once)
        sent: Any = record_alone.s("sent", notes.path)
        sent.apply_async(connection=connection)
    assert notes.wait() == ["sent"]

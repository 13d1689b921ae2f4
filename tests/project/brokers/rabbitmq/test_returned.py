"""A message that a worker returns is not one that failed."""

from typing import Any

import pytest
from amqp import spec
from celery import Celery
from kombu import Queue


def test_a_returned_message_does_not_count_as_failed(
    celery: Celery, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RabbitMQ 4.3 counts `basic.reject` only, and drops the message after 20."""
    sent = []
    with celery.connection_for_write() as connection:
        channel: Any = connection.default_channel
        queue = Queue("test_returned", exclusive=True)(channel)
        queue.declare()
        connection.Producer().publish("text", routing_key=queue.name, serializer="json")
        message: Any = queue.get()
        send = channel.send_method

        def note(method: Any, *args: Any, **options: Any) -> Any:
            sent.append(method)
            return send(method, *args, **options)

        monkeypatch.setattr(channel, "send_method", note)
        message.requeue()
        assert sent == [spec.Basic.Nack]
        again: Any = queue.get()
        assert again.delivery_info["redelivered"]
        again.reject()
        assert spec.Basic.Reject in sent
        assert queue.get() is None

"""Celery on Amazon SQS: a foreign message does not end the worker."""

# kombu's stubs leave this out.
# mypy: disable-error-code="import-untyped, import-not-found, misc, attr-defined"

from typing import Any

from celery import current_app
from kombu.transport import SQS

UNACKNOWLEDGED = ["ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed"]


class Channel(SQS.Channel):
    def basic_publish(self, *args: Any, **kwargs: Any) -> Any:
        """Raise an error after which kombu retries on a new channel; its own is not retried."""
        if self.closed:
            raise ConnectionError("the channel is closed")
        return super().basic_publish(*args, **kwargs)

    def _envelope_payload(self, payload: Any, text: str, message: Any, address: str) -> Any:
        """Wrap a message that kombu cannot read: the worker then logs and drops it."""
        try:
            envelope = super()._envelope_payload(payload, text, message, address)
            self.Message(envelope, channel=self)
        except (AttributeError, KeyError, TypeError, ValueError):
            envelope = super()._envelope_payload({}, text, message, address)
        return envelope


class Transport(SQS.Transport):
    Channel = Channel


def is_redelivered(request: Any) -> bool:
    """Return whether the broker has delivered this task before."""
    delivery = (request.properties or {}).get("delivery_info", {})
    message = delivery.get("sqs_message", {}).get("Attributes", {})
    return int(message.get("ApproximateReceiveCount", 1)) > 1


def count_unacknowledged(channel: Any) -> int:
    """Return how many tasks workers hold, also those with a countdown that are not due.

    SQS counts roughly, and a minute late.
    """
    count = 0
    for queue in current_app.amqp.queues.values():
        address = channel._new_queue(queue.name)
        answer = channel.sqs(queue=queue.name).get_queue_attributes(
            QueueUrl=address, AttributeNames=UNACKNOWLEDGED
        )
        count += sum(int(number) for number in answer["Attributes"].values())
    return count

"""Celery on Amazon SQS: keeps delayed tasks in SQS, and survives foreign messages.

SQS keeps a task with a countdown for fifteen minutes at most. If it is not due by then, a worker
holds it, for twelve hours at most: after that, SQS delivers it again.
"""

# kombu's stubs leave this out.
# mypy: disable-error-code="attr-defined,func-returns-value,import-not-found,import-untyped,misc"

import json
import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import partial
from itertools import batched
from typing import Any

from celery import current_app
from celery.utils.time import subtract_datetimes
from django.core.checks import CheckMessage, register
from django.core.checks import Warning as CheckWarning
from kombu import Message
from kombu.transport import SQS

from task_queue import app
from task_queue.leases import seconds_until_due

logger = logging.getLogger(__name__)

# A worker receives a task this many seconds before it is due, and waits for the rest.
EARLY = 2
# Limits of SQS, in seconds: the delay of a task, and then the time that a worker may hold it.
LONGEST_DELAY = SQS.MAX_DELAY_SECONDS
LONGEST_LEASE = 12 * 60 * 60

# Receipts of tasks that are done, with their queues, until SQS knows it.
acknowledged: dict[str, str] = {}
UNACKNOWLEDGED = ["ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed"]


class Celery(app.Celery):
    """A Celery app that refuses waits which are too long for SQS: the task would run twice."""

    def send_task(  # type: ignore[override]
        self,
        name: str,
        args: Any = None,
        kwargs: Any = None,
        countdown: float | None = None,
        eta: Any = None,
        **options: Any,
    ) -> Any:
        wait = countdown or 0
        if eta:
            wait = subtract_datetimes(app.aware(eta), self.now()).total_seconds()
        task = self.tasks.get(name)
        limit = options.get("time_limit") or (task and task.time_limit) or self.conf.task_time_limit
        longest = LONGEST_DELAY + max(0, LONGEST_LEASE - (limit or 0))
        if wait > longest:
            raise ValueError(
                f"{name} cannot wait {wait:.0f} seconds: SQS allows {longest:.0f}, fifteen minutes"
                " plus twelve hours minus the task's time limit. Store the time in the database,"
                " and let a periodic task send what is due."
            )
        return super().send_task(name, args, kwargs, countdown, eta=eta, **options)


@register
def check_time_limits(**kwargs: Any) -> Iterator[CheckMessage]:
    """Check that time limits end tasks before SQS redelivers them."""
    current_app.autodiscover_tasks(force=True)
    limits = {"CELERY_TASK_TIME_LIMIT": current_app.conf.task_time_limit}
    for task in current_app.tasks.values():
        if task.acks_late and task.time_limit not in (None, current_app.conf.task_time_limit):
            limits[f"The time limit of {task.name}"] = task.time_limit
    for name, limit in limits.items():
        if not limit or limit >= LONGEST_LEASE:
            yield CheckWarning(
                f"{name} is {limit}, but SQS redelivers a task after twelve hours, so that a longer"
                " one runs twice.",
                hint=f"Set it below {LONGEST_LEASE} seconds, and split tasks that take longer.",
                id="task_queue.W008",
            )


def raise_temporary_error(http_response: Any, parsed: dict[str, Any], **kwargs: Any) -> None:
    """Raise an error that kombu retries, if SQS may accept the same request later."""
    code = parsed.get("Error", {}).get("Code", "")
    if http_response.status_code >= 500 or "Throttl" in code or "ExpiredToken" in code:
        raise ConnectionError(f"SQS answered {http_response.status_code} {code}")


class Channel(SQS.Channel):
    def new_sqs_client(self, *args: Any, **kwargs: Any) -> Any:
        client = super().new_sqs_client(*args, **kwargs)
        client.meta.events.register("after-call.sqs", raise_temporary_error)
        return client

    def basic_publish(self, *args: Any, **kwargs: Any) -> Any:
        """Raise an error that kombu retries on a new channel. It does not retry its own error."""
        if self.closed:
            raise ConnectionError("the channel is closed")
        return super().basic_publish(*args, **kwargs)

    def basic_ack(self, delivery_tag: str, multiple: bool = False) -> None:
        """Acknowledge a message: now, or with the next renewal, or it would run again."""
        delivered: Any = self.qos._delivered
        message = delivered.get(delivery_tag)
        try:
            super().basic_ack(delivery_tag, multiple)
        except SQS.Transport.connection_errors as error:
            logger.warning("A task is acknowledged later: %s", error)
            delivery = message.delivery_info
            acknowledged[delivery["sqs_message"]["ReceiptHandle"]] = delivery["sqs_queue"]

    def basic_reject(self, delivery_tag: str, requeue: bool = False) -> None:
        delivered: Any = self.qos._delivered
        # A task may outlive its channel, which has requeued the message.
        if delivery_tag in delivered:
            super().basic_reject(delivery_tag, requeue)

    def _put(self, queue: str, message: dict[str, Any], **kwargs: Any) -> None:
        """Have SQS keep a task until it is almost due, or for as long as it can."""
        if (wait := int(seconds_until_due(message) - EARLY)) > 0:
            delay = {"DelaySeconds": min(wait, LONGEST_DELAY)}
            message = message | {"properties": message["properties"] | delay}
        super()._put(queue, message, **kwargs)

    def _get_async(self, queue: str, count: int = 1, callback: Any = None) -> Any:
        """Fetch tasks, and try again after an error, which would end kombu's worker."""
        address, name = self._new_queue(queue), self.canonical_queue_name(queue)

        def deliver(answer: Any) -> None:
            # kombu turns some errors into a list.
            if not isinstance(answer, dict):
                raise ConnectionError("no answer, or a server error")
            callback(self._on_messages_ready(address, queue, answer))

        return self.asynsqs(queue=name).receive_message(
            name,
            address,
            number_messages=count,
            # A lease. The queue's own timeout may be another one.
            visibility_timeout=self.visibility_timeout,
            wait_time_seconds=self.wait_time_seconds,
            callback=SQS.promise(deliver, on_error=partial(self.fetch_later, queue)),
        )

    def fetch_later(self, queue: str, error: Exception) -> None:
        logger.warning("SQS delivers no tasks now: %s", error)
        self.hub.call_later(1, self._schedule_queue, queue)

    def _receive_message(
        self, queue: str, max_number_of_messages: int = 1, wait_time_seconds: int | None = None
    ) -> Any:
        """Fetch tasks in pools that have no event loop."""
        return self.sqs(queue=queue).receive_message(
            QueueUrl=self._resolve_queue_url(queue),
            MaxNumberOfMessages=max_number_of_messages,
            VisibilityTimeout=self.visibility_timeout,
            # The client waits two seconds for an answer.
            WaitTimeSeconds=min(1, wait_time_seconds or self.wait_time_seconds),
            MessageSystemAttributeNames=["ApproximateReceiveCount"],
        )

    def _prepare_json_payload(self, text: str) -> Any:
        """Read a message. Plain JSON accepts types that kombu's JSON does not know."""
        for read in (super()._prepare_json_payload, json.loads):
            with suppress(Exception):
                return read(text)
        return {}

    def _envelope_payload(self, payload: Any, text: str, message: Any, address: str) -> Any:
        """Wrap a message that kombu cannot read: it becomes a dead letter."""
        try:
            envelope = super()._envelope_payload(payload, text, message, address)
            delivery = self.Message(envelope, channel=self).delivery_info
            # With it, the message could not be acknowledged.
            queue = self.canonical_queue_name(delivery.get("routing_key", ""))
            if self.predefined_queues and queue not in self.predefined_queues:
                del delivery["routing_key"]
        except (AttributeError, KeyError, TypeError, ValueError):
            envelope = super()._envelope_payload({}, text, message, address)
        return envelope

    def _restore(self, message: Any, *args: Any) -> None:
        """Requeue a message by ending its lease. kombu would send a copy, which would run, too."""
        delivery = message.delivery_info
        try:
            self.sqs().change_message_visibility(
                QueueUrl=delivery["sqs_queue"],
                ReceiptHandle=message.delivery_tag,
                VisibilityTimeout=0,
            )
        except Exception as error:
            logger.warning("A task is requeued when its lease ends: %s", error)


class Transport(SQS.Transport):
    Channel = Channel


def renew(channel: Channel, messages: Iterable[Message]) -> None:
    """Renew the leases of messages, and acknowledge finished ones. Deleted ones stay deleted."""
    held: dict[str, list[Any]] = defaultdict(list)
    for receipt, address in tuple(acknowledged.items()):
        held[address].append(receipt)
    for message in messages:
        # kombu removes it from a message that it is about to requeue.
        if queue := message.delivery_info.get("sqs_queue"):
            held[queue].append(message.delivery_tag)
    lease = {"VisibilityTimeout": channel.visibility_timeout}
    for queue, receipts in held.items():
        for batch in batched(receipts, SQS.SQS_MAX_MESSAGES):
            entries = [
                {"Id": str(number), "ReceiptHandle": receipt, **lease}
                for number, receipt in enumerate(batch)
            ]
            answer = channel.sqs().change_message_visibility_batch(QueueUrl=queue, Entries=entries)
            for failure in answer.get("Failed", []):
                if not is_gone(failure):
                    logger.warning("Could not renew the lease of a task: %s", failure)
    for receipt, address in tuple(acknowledged.items()):
        with suppress(SQS.ClientError):
            channel.sqs().delete_message(QueueUrl=address, ReceiptHandle=receipt)
        del acknowledged[receipt]


def is_gone(failure: dict[str, Any]) -> bool:
    """Return whether a lease was not renewed because its task is done or was requeued."""
    reason = f"{failure['Code']} {failure.get('Message')}"
    return "ReceiptHandle" in reason or "MessageNotInflight" in reason


def is_redelivered(request: Any) -> bool:
    """Return whether the broker has delivered this task before."""
    delivery = (request.properties or {}).get("delivery_info", {})
    message = delivery.get("sqs_message", {}).get("Attributes", {})
    return int(message.get("ApproximateReceiveCount", 1)) > 1


def count_unacknowledged(channel: Any) -> int:
    """Return the number of tasks that workers hold or that are not due yet.

    SQS reports an approximate number, up to a minute late.
    """
    count = 0
    for queue in current_app.amqp.queues.values():
        address = channel._new_queue(queue.name)
        answer = channel.sqs(queue=queue.name).get_queue_attributes(
            QueueUrl=address, AttributeNames=UNACKNOWLEDGED
        )
        count += sum(int(number) for number in answer["Attributes"].values())
    return count

"""Delays and leases on SQS, and their limits."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from celery import Celery
from django.utils import timezone
from kombu import Producer, Queue

from config import celery_app
from task_queue.broker import renew
from tests import Notes, Process, is_idle, wait_until
from tests.sqs_tasks import retry_too_late
from tests.tasks import record, wait_for
from tests.test_retries import failure

REFUSED = "cannot wait .*: SQS allows"
HOURS = 60 * 60
# Names of SQS queue attributes.
TIMEOUT = "VisibilityTimeout"
DELAYED = "ApproximateNumberOfMessagesDelayed"


@pytest.fixture
def channel(celery: Celery) -> Iterator[Any]:
    with celery.connection_for_write() as connection:
        yield connection.default_channel


@pytest.fixture
def queue(channel: Any) -> Iterator[Queue]:
    """Return a queue without a worker and with a visibility timeout of zero."""
    queue = Queue(f"waits-{uuid4()}", channel=channel)
    queue.declare()
    address = channel._new_queue(queue.name)
    channel.sqs().set_queue_attributes(QueueUrl=address, Attributes={TIMEOUT: "0"})
    yield queue
    channel.sqs().delete_queue(QueueUrl=address)


@pytest.mark.parametrize("wait", [12.25 * HOURS, 10**6])
def test_a_wait_that_is_too_long_is_refused(wait: float, notes: Notes) -> None:
    eta = timezone.now() + timedelta(seconds=wait)
    for options in ({"countdown": wait}, {"eta": eta}, {"eta": eta.isoformat()}):
        with pytest.raises(ValueError, match=REFUSED):
            record.apply_async(("twice", notes.path), **options)


def test_the_time_limit_is_added_to_the_wait(notes: Notes, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match=REFUSED):
        record.apply_async(("twice", notes.path), countdown=2 * HOURS, time_limit=11 * HOURS)
    monkeypatch.setattr(record, "time_limit", 11 * HOURS)
    with pytest.raises(ValueError, match=REFUSED):
        celery_app.send_task(record.name, ("twice", notes.path), countdown=2 * HOURS)


@pytest.mark.parametrize("wait", [60, 12 * HOURS])
def test_sqs_keeps_a_task_that_is_not_due(
    wait: int, channel: Any, queue: Queue, notes: Notes, caplog: pytest.LogCaptureFixture
) -> None:
    record.apply_async(("later", notes.path), countdown=wait, queue=queue)
    assert queue.get() is None
    answer = channel.sqs().get_queue_attributes(
        QueueUrl=channel._new_queue(queue.name), AttributeNames=[DELAYED]
    )
    assert answer["Attributes"] == {DELAYED: "1"}
    # Kombu warns about delays that SQS does not support.
    assert "clamping" not in caplog.text


def test_a_retry_that_waits_too_long_is_a_failure(notes: Notes, worker: Process) -> None:
    assert "SQS allows" in failure(worker, retry_too_late.delay(notes.path))
    assert notes.lines == ["trying"]


def test_leases_are_renewed_in_batches(
    channel: Any, queue: Queue, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(21):
        Producer(channel).publish({"number": number}, routing_key=queue.name)
    received: list[Any] = [queue.get() for _ in range(21)]
    # With the queue's own timeout, they would be redelivered immediately.
    assert queue.get() is None
    received[0].ack()
    batches: list[int] = []
    # SQS accepts ten at a time, but moto accepts more.
    channel.sqs().meta.events.register(
        "provide-client-params.sqs.ChangeMessageVisibilityBatch",
        lambda params, **kwargs: batches.append(len(params["Entries"])),
    )
    lease, channel.visibility_timeout = channel.visibility_timeout, 0
    renew(channel, received)
    channel.visibility_timeout = lease
    assert batches == [10, 10, 1]
    again: list[Any] = [queue.get(no_ack=True) for _ in range(20)]
    sent = [message.payload["number"] for message in received[1:]]
    assert sorted(message.payload["number"] for message in again) == sorted(sent)
    assert not caplog.records
    for message in received[1:]:
        message.ack()


def test_a_requeued_message_is_delivered_again_once(channel: Any, queue: Queue) -> None:
    Producer(channel).publish("text", routing_key=queue.name)
    message: Any = queue.get()
    message.requeue()
    again: Any = queue.get()
    assert again.payload == "text"
    assert again.delivery_info["sqs_message"]["Attributes"]["ApproximateReceiveCount"] == "2"
    # There is no copy.
    assert queue.get() is None
    again.ack()


def test_a_message_of_another_project_can_be_acknowledged(channel: Any, queue: Queue) -> None:
    """Queues that exist already are known by name, and its routing key is none of them."""
    address = channel._new_queue(queue.name)
    channel.predefined_queues = {queue.name: {"url": address}}
    properties = {"delivery_info": {"exchange": "", "routing_key": "celery"}}
    text = json.dumps({"body": "text", "properties": properties})
    channel.sqs(queue=queue.name).send_message(QueueUrl=address, MessageBody=text)
    message: Any = queue.get()
    message.ack()
    assert queue.get() is None


def test_a_long_poll_ends_before_the_client_gives_up(channel: Any, queue: Queue) -> None:
    """Pools without Celery's event loop, such as gevent, receive tasks this way."""
    channel.wait_time_seconds = 20
    assert queue.get() is None


def test_a_running_task_outlasts_the_timeout_of_its_queue(
    channel: Any, worker: Process, notes: Notes, tmp_path: Path
) -> None:
    address = channel._new_queue(celery_app.amqp.queues["default"].name)
    before = channel.sqs().get_queue_attributes(QueueUrl=address, AttributeNames=[TIMEOUT])
    channel.sqs().set_queue_attributes(QueueUrl=address, Attributes={TIMEOUT: "0"})
    try:
        wait_for.delay(notes.path, str(tmp_path / "end"))
        record.delay("next", notes.path)
        notes.wait(2)
        (tmp_path / "end").touch()
    finally:
        channel.sqs().set_queue_attributes(QueueUrl=address, Attributes=before["Attributes"])
    wait_until(is_idle)
    assert sorted(notes.lines) == ["finished", "next", "started"]

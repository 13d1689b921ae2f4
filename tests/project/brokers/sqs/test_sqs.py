"""Foreign messages on SQS become dead letters, and unfinished ones stay there."""

import json
import tempfile
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError  # type: ignore[import-untyped]
from celery import Celery
from kombu import Producer, Queue

from task_queue.models import DeadLetter
from tests import Notes, Process, wait_until
from tests.tasks import record

pytestmark = pytest.mark.django_db(transaction=True)


def send(celery: Celery, text: str) -> None:
    """Send a message that kombu would not send."""
    queue = celery.amqp.queues["default"]
    with celery.connection_for_write() as connection:
        channel: Any = connection.default_channel
        channel.sqs().send_message(QueueUrl=channel._new_queue(queue.name), MessageBody=text)


@pytest.mark.parametrize(
    "message",
    [
        {"text": "hello"},
        {"properties": None},
        {"properties": {"delivery_info": 1}},
        {"properties": {"delivery_tag": "1", "body_encoding": "base64"}, "body": "x"},
        {"properties": {"delivery_tag": "1", "body_encoding": "none"}, "body": "x"},
        {"properties": {"delivery_tag": []}, "headers": 1},
        {"properties": {"delivery_info": {"routing_key": 1}}},
        {"properties": {}, "headers": {"id": {"__type__": "bytes", "__value__": 1}}},
        ["no", "object"],
        "text",
        1,
        None,
    ],
    ids=str,
)
def test_a_foreign_message_becomes_a_dead_letter(
    message: Any, celery: Celery, worker: Process, notes: Notes
) -> None:
    send(celery, json.dumps(message))
    wait_until(DeadLetter.objects.exists, "a dead letter")
    record.delay("goes on", notes.path)
    assert notes.wait() == ["goes on"]
    assert not worker.ended


@pytest.mark.parametrize("text", ["[" * 100_000 + "]" * 100_000, "1" * 5000], ids=["deep", "long"])
def test_json_beyond_the_limits_of_python_becomes_a_dead_letter(
    text: str, celery: Celery, worker: Process
) -> None:
    send(celery, text)
    wait_until(DeadLetter.objects.exists, "a dead letter")
    content = json.loads(DeadLetter.objects.get().signature)
    assert b64decode(content["body"]).decode() == text
    assert not worker.ended


def test_a_task_that_outlived_its_connection_can_be_acknowledged(celery: Celery) -> None:
    """Its channel no longer knows it."""
    with celery.connection_for_write() as connection:
        channel: Any = connection.channel()
        channel.basic_ack("unknown")


def test_a_task_that_cannot_be_requeued_now_stays_in_its_queue(
    celery: Celery, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """By default, kombu writes it to a temporary file."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def fail(**options: Any) -> None:
        raise EndpointConnectionError(endpoint_url="https://sqs.example.com")

    with celery.connection_for_write() as connection:
        channel: Any = connection.channel()
        queue = Queue("closing", channel=channel)
        queue.declare()
        address, client = channel._new_queue(queue.name), channel.sqs()
        try:
            Producer(channel).publish({}, routing_key=queue.name)
            assert queue.get()
            with monkeypatch.context() as patch:
                patch.setattr(client, "change_message_visibility", fail)
                channel.close()
            assert list(tmp_path.iterdir()) == []
            held = "ApproximateNumberOfMessagesNotVisible"
            answer = client.get_queue_attributes(QueueUrl=address, AttributeNames=[held])
            assert answer["Attributes"][held] == "1"
        finally:
            client.delete_queue(QueueUrl=address)


def test_a_task_that_outlived_its_channel_can_be_rejected(celery: Celery) -> None:
    with celery.connection_for_write() as connection:
        channel: Any = connection.default_channel
        channel.basic_reject("of another channel", requeue=True)

"""Messages that cannot run become dead letters and are not redelivered."""

import json
import pickle
from base64 import b64decode
from dataclasses import dataclass, field
from typing import Any

import pytest
from celery import Celery

from task_queue.models import DeadLetter
from tests import Notes, Process, wait_until
from tests.tasks import record, write
from tests.workers import restart

pytestmark = pytest.mark.django_db(transaction=True)

TASK = {"task": "tests.tasks.record", "id": "an-id"}
BODY = b'[["text", "/dev/null"], {}, {}]'
PICKLE = "application/x-python-serialize"


class Code:
    """An object that runs code when it is unpickled."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return write, (self.path, "executed")


@dataclass
class Raw:
    """A message that was not sent by Celery."""

    body: bytes = BODY
    headers: dict[str, Any] = field(default_factory=lambda: TASK)
    content_type: str = "application/json"
    content_encoding: str = "utf-8"
    properties: dict[str, Any] = field(default_factory=dict)

    def send(self, celery: Celery) -> None:
        queue = celery.amqp.queues["default"]
        with celery.producer_or_acquire() as producer:
            producer.publish(
                self.body,
                headers=self.headers,
                content_type=self.content_type,
                content_encoding=self.content_encoding,
                exchange=queue.exchange,
                routing_key=queue.routing_key,
                declare=[queue],
                **self.properties,
            )


REFUSED = {
    "not JSON": (Raw(b"text"), "DecodeError"),
    "of an unknown type": (Raw(content_type="text/html"), "ContentDisallowed"),
    "in Latin-1": (Raw(b"caf\xe9", content_encoding="latin-1"), "DecodeError"),
    "without a body": (Raw(b""), "dead letter"),
    "with a broken compression": (Raw(BODY, TASK | {"compression": "gzip"}), "dead letter"),
    "without headers": (Raw(headers={}), "it is not a task"),
    "without an id": (Raw(headers={"task": TASK["task"]}), "KeyError"),
    "for an unknown task": (
        Raw(headers=TASK | {"task": "no.task"}),
        "Task of kind 'no.task' never registered",
    ),
    "for a task without a name": (Raw(headers=TASK | {"task": []}), "TypeError"),
    "for a task with a long name": (Raw(headers=TASK | {"task": "é" * 300}), "never registered"),
    "with the wrong content type": (
        Raw(BODY, TASK | {"task": "no.task"}, PICKLE),
        "never registered",
    ),
    "without arguments": (Raw(b"{}"), "ValueError"),
    "with a number as arguments": (Raw(b"1"), "TypeError"),
    "with null as keyword arguments": (Raw(b"[[], null, {}]"), "is not a dictionary"),
    "with a list as options": (Raw(b"[[], {}, [1]]"), "is not a dictionary"),
    "with an invalid date": (Raw(headers=TASK | {"eta": "soon"}), "invalid ETA value 'soon'"),
    "with an invalid pair of time limits": (Raw(headers=TASK | {"timelimit": "long"}), "TypeError"),
    "with a time limit as text": (Raw(headers=TASK | {"timelimit": ["1", "1"]}), "TypeError"),
    "with an endless time limit": (Raw(headers=TASK | {"timelimit": [2**60, 1]}), "dead letter"),
    "without headers, with an invalid time limit": (
        Raw(json.dumps(TASK | {"timelimit": ["1", "1"]}).encode(), {}),
        "TypeError",
    ),
    "with invalid stamps": (Raw(headers=TASK | {"stamped_headers": 1}), "TypeError"),
    "with an invalid log context": (
        Raw(headers=TASK | {"__django_structlog__": 1}),
        "is not a dictionary",
    ),
    "with an unknown type": (
        Raw(headers={"task": "no.task", "id": {"__type__": "foo", "__value__": 1}}),
        "never registered",
    ),
    "with arguments of an unknown type": (
        Raw(b'[[{"__type__": "money", "__value__": "/dev/null"}], {}, {}]'),
        "DecodeError",
    ),
    "with an invalid date as an argument": (
        Raw(b'[[{"__type__": "datetime", "__value__": "/dev/null"}], {}, {}]'),
        "DecodeError",
    ),
}


@pytest.mark.parametrize(("message", "line"), REFUSED.values(), ids=REFUSED)
def test_a_message_that_cannot_run_is_kept(
    message: Raw, line: str, celery: Celery, worker: Process, notes: Notes
) -> None:
    before = len(worker.log.read_text())
    message.send(celery)
    wait_until(DeadLetter.objects.exists, "a dead letter")
    record.delay("goes on", notes.path)
    assert notes.wait() == ["goes on"]
    content = json.loads(DeadLetter.objects.get().signature)
    assert b64decode(content["body"]) == message.body
    assert content["headers"] == message.headers
    logged = worker.log.read_text()[before:]
    assert "A message became a dead letter" in logged
    assert line in logged
    # Arguments may be secret.
    assert "/dev/null" not in logged


def test_a_retried_message_is_unchanged(celery: Celery, worker: Process, notes: Notes) -> None:
    body = json.dumps([["as it was", notes.path], {}, {}]).encode()
    # An expired one runs, too.
    Raw(body, TASK | {"eta": "soon", "expires": "2020-01-01T00:00:00+00:00"}).send(celery)
    wait_until(DeadLetter.objects.exists, "a dead letter")
    letter = DeadLetter.objects.get()
    letter.signature = letter.signature.replace('"eta": "soon"', '"eta": null')
    letter.retry()
    assert notes.wait() == ["as it was"]
    assert not DeadLetter.objects.exists()


@pytest.mark.usefixtures("worker")
def test_a_message_that_is_rejected_twice_is_unchanged(celery: Celery) -> None:
    properties = {"priority": 3, "reply_to": "somebody", "correlation_id": "a-question"}
    Raw(b"caf\xe9", TASK, "text/plain", "latin-1", properties).send(celery)
    wait_until(DeadLetter.objects.exists, "a dead letter")
    first = DeadLetter.objects.get()
    assert json.loads(first.signature).items() >= properties.items()
    first.retry()
    wait_until(DeadLetter.objects.exists, "another dead letter")
    assert DeadLetter.objects.get().signature == first.signature


@pytest.mark.parametrize("headers", [TASK, {}], ids=["task", "not a task"])
@pytest.mark.parametrize("content_type", [PICKLE, "application/json"])
def test_a_pickle_is_refused_and_runs_no_code(
    headers: dict[str, str], content_type: str, celery: Celery, worker: Process, notes: Notes
) -> None:
    Raw(pickle.dumps(Code(notes.path)), headers, content_type).send(celery)
    wait_until(DeadLetter.objects.exists, "a dead letter")
    record.delay("goes on", notes.path)
    assert notes.wait() == ["goes on"]


def test_a_rejected_message_is_not_redelivered(
    celery: Celery, worker: Process, notes: Notes
) -> None:
    Raw(b'["refused once"]').send(celery)
    wait_until(DeadLetter.objects.exists, "a dead letter")
    record.delay("goes on", notes.path)
    notes.wait()
    restart(worker)

    def goes_on_again() -> bool:
        record.delay("goes on again", notes.path)
        return "goes on again" in notes.lines

    wait_until(goes_on_again)
    assert DeadLetter.objects.count() == 1

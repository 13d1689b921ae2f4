"""A message that is no task of ours is refused; the worker goes on, and nobody gets it again."""

import pickle
from dataclasses import dataclass, field
from typing import Any

import pytest
from celery import Celery

from tests.fixtures import Notes, Process, wait_until
from tests.tasks import record, write
from tests.workers import restart

pytestmark = pytest.mark.django_db(transaction=True)

TASK = {"task": "tests.tasks.record", "id": "an-id"}
BODY = b'[["text", "/nowhere"], {}, {}]'
PICKLE = "application/x-python-serialize"


class Code:
    """Runs when it is unpickled."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return write, (self.path, "executed")


@dataclass
class Raw:
    """A message as somebody writes it who does not use Celery."""

    body: bytes = BODY
    headers: dict[str, Any] = field(default_factory=lambda: TASK)
    content_type: str = "application/json"

    def send(self, celery: Celery) -> None:
        queue = celery.amqp.queues["default"]
        with celery.producer_or_acquire() as producer:
            producer.publish(
                self.body,
                headers=self.headers,
                content_type=self.content_type,
                content_encoding="utf-8",
                exchange=queue.exchange,
                routing_key=queue.routing_key,
                declare=[queue],
            )


REFUSED = {
    "no JSON": (Raw(b"text"), "Can't decode message body"),
    "of an unknown type": (Raw(content_type="text/html"), "Refusing to deserialize"),
    "compressed, and broken": (Raw(BODY, TASK | {"compression": "gzip"}), "Can't decode"),
    "without headers": (Raw(headers={}), "Received and deleted unknown message"),
    "without an id": (Raw(headers={"task": TASK["task"]}), "invalid task message: 'id'"),
    "for no task": (Raw(headers=TASK | {"task": "no.task"}), "unregistered task of type 'no.task'"),
    "for a task without a name": (Raw(headers=TASK | {"task": []}), "unhashable type: 'list'"),
    "without arguments": (Raw(b"{}"), "not enough values to unpack"),
    "with a number as arguments": (Raw(b"1"), "argument of type 'int'"),
    "with a date that is none": (Raw(headers=TASK | {"eta": "soon"}), "invalid ETA value 'soon'"),
    "with time limits that are none": (Raw(headers=TASK | {"timelimit": "long"}), "to float: 'l'"),
    "with stamps that are none": (Raw(headers=TASK | {"stamped_headers": 1}), "'int' object is"),
    "from a false sender": (Raw(headers=TASK | {"__django_structlog__": 1}), "is not a dictionary"),
}


@pytest.mark.parametrize(("message", "line"), REFUSED.values(), ids=REFUSED)
def test_a_message_is_refused(
    message: Raw, line: str, celery: Celery, worker: Process, notes: Notes
) -> None:
    message.send(celery)
    worker.wait_for_line(line)
    record.delay("goes on", notes.path)
    assert notes.wait() == ["goes on"]


@pytest.mark.parametrize("headers", [TASK, {}], ids=["a task", "no task"])
@pytest.mark.parametrize("content_type", [PICKLE, "application/json"])
def test_a_pickle_is_refused_and_runs_no_code(
    headers: dict[str, str], content_type: str, celery: Celery, worker: Process, notes: Notes
) -> None:
    Raw(pickle.dumps(Code(notes.path)), headers, content_type).send(celery)
    worker.wait_for_line("type pickle" if content_type == PICKLE else "UnicodeDecodeError")
    record.delay("goes on", notes.path)
    assert notes.wait() == ["goes on"]


def test_what_was_refused_does_not_come_back(celery: Celery, worker: Process, notes: Notes) -> None:
    Raw(b'["refused once"]').send(celery)
    worker.wait_for_line("refused once")
    record.delay("goes on", notes.path)
    notes.wait()
    before = worker.log.read_text()
    restart(worker)

    def goes_on_again() -> bool:
        record.delay("goes on again", notes.path)
        return "goes on again" in notes.lines

    wait_until(goes_on_again)
    assert worker.log.read_text().count("refused once") == before.count("refused once")

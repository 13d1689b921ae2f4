"""Sentry learns what went wrong in a task, and not what the task was given."""

import json
import os
from typing import Any

import pytest

from tests.collector import Collector
from tests.fixtures import Notes, wait_until
from tests.tasks import fail, record

# Before the worker starts, since it reads its settings then.
sentry = Collector()
os.environ["SENTRY_DSN"] = f"http://key@127.0.0.1:{sentry.server_port}/1"


def events(task_id: str) -> list[dict[str, Any]]:
    """Return the reports that name a task: an envelope has a line, then two for each item."""
    envelopes = [body.splitlines() for body in list(sentry.bodies)]
    items = [json.loads(line) for lines in envelopes for line in lines[2::2]]
    found = [item for item in items if "exception" in item or "logentry" in item]
    return [item for item in found if task_id in json.dumps(item)]


@pytest.mark.usefixtures("worker")
def test_sentry_gets_one_error_with_the_task_and_without_its_arguments(notes: Notes) -> None:
    task = fail.delay(notes.path)
    wait_until(lambda: bool(events(task.id)), what="an error in Sentry")
    record.delay("after it", notes.path)
    notes.wait(2)
    (event,) = events(task.id)
    assert event["exception"]["values"][0]["value"] == "this cannot work"
    assert event["extra"]["celery-job"]["task_name"] == "tests.tasks.fail"
    assert event["tags"]["celery_task_id"] == task.id
    assert notes.path not in json.dumps(event)

"""Sentry gets the errors of tasks without their arguments."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from celery import Celery

from tests import Notes, Process, wait_until
from tests.collector import Collector
from tests.tasks import fail, record
from tests.workers import restart


@pytest.fixture
def sentry(worker: Process) -> Iterator[Collector]:
    """Run a stand-in for Sentry."""
    server = Collector()
    # A new worker: after a fork, Sentry's SDK may hold back the first report until the next one.
    restart(worker, SENTRY_DSN=f"http://key@127.0.0.1:{server.server_port}/1")
    yield server
    restart(worker, SENTRY_DSN="")


def events(sentry: Collector) -> list[dict[str, Any]]:
    """Return the worker's reports. An envelope is one line, then two lines for each item."""
    envelopes = [body.splitlines() for body in list(sentry.bodies)]
    items = [json.loads(line) for lines in envelopes for line in lines[2::2]]
    return [item for item in items if "exception" in item or "logentry" in item]


def test_sentry_gets_one_error_with_the_task_and_without_its_arguments(
    sentry: Collector, notes: Notes
) -> None:
    task = fail.delay(notes.path)
    wait_until(lambda: bool(events(sentry)), what="an error in Sentry")
    record.delay("after it", notes.path)
    notes.wait(2)
    (event,) = events(sentry)
    assert event["exception"]["values"][0]["value"] == "this cannot work"
    assert event["extra"]["celery-job"]["task_name"] == "tests.tasks.fail"
    assert event["tags"]["celery_task_id"] == task.id
    assert notes.path not in json.dumps(event)


def test_sentry_gets_no_arguments_of_a_task_that_no_worker_knows(
    sentry: Collector, celery: Celery
) -> None:
    celery.send_task("unknown", ("sesame",), {"password": "sesame"}, queue="default")
    wait_until(lambda: bool(events(sentry)), what="an error in Sentry")
    (event,) = events(sentry)
    assert "A message became a dead letter" in json.dumps(event)
    assert "sesame" not in json.dumps(event)

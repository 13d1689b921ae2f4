"""Broadcasts, which every worker runs."""

import os
import subprocess
import sys
from typing import Any

import pytest
from celery import Celery

from config.env import BASE_DIR
from task_queue.base import broadcast
from task_queue.models import DeadLetter
from tests import Notes, Process, wait_until
from tests.machinery_tasks import record_queue_twice, record_worker
from tests.workers import StartWorker

pytestmark = pytest.mark.usefixtures("worker")


def test_a_broadcast_reaches_every_worker(
    celery: Celery, notes: Notes, start_worker: StartWorker
) -> None:
    start_worker("other")
    # Workers log "ready." a moment before they listen to broadcasts.
    wait_until(lambda: len(celery.control.ping(timeout=5, limit=2) or []) == 2, "two workers")
    broadcast(record_worker, notes.path)
    assert sorted(notes.wait(2)) == ["one", "other"]


def test_a_broadcast_that_fails_is_not_retried(notes: Notes, worker: Process) -> None:
    broadcast(record_queue_twice, notes.path)
    assert notes.wait()
    record_queue_twice.delay(notes.path)
    # Only the second one is retried.
    assert len(notes.wait(3)) == 3
    assert worker.log.read_text().count("TimeoutError") > 0


RETRY = """
from task_queue.models import DeadLetter
DeadLetter.objects.get().retry()
"""


@pytest.mark.django_db(transaction=True)
def test_a_dead_letter_of_a_broadcast_is_broadcast_again(celery: Celery, notes: Notes) -> None:
    queue = celery.amqp.queues["broadcast"]
    route: dict[str, Any] = {"exchange": queue.exchange, "routing_key": queue.routing_key}
    celery.send_task("no.task", [notes.path], declare=[queue.exchange], **route)
    wait_until(DeadLetter.objects.exists, "a dead letter")
    letter = DeadLetter.objects.get()
    letter.signature = letter.signature.replace("no.task", "tests.machinery_tasks.record_worker")
    letter.save()
    # In a process that has sent no broadcast.
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings.test"}
    command = [sys.executable, "manage.py", "shell", "--command", RETRY]
    subprocess.run(command, cwd=BASE_DIR, env=environment, check=True)
    assert notes.wait() == ["one"]
    assert not DeadLetter.objects.exists()

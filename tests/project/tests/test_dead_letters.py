"""Restarts of interrupted tasks, and dead letters."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from celery import Celery
from django.conf import settings
from django.db import connections
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from kombu.utils.json import dumps

from task_queue import base
from task_queue.models import DeadLetter
from tests import Notes, wait_until
from tests.machinery_tasks import die_once, interrupt, retry_while_down
from tests.tasks import record

pytestmark = [pytest.mark.usefixtures("worker"), pytest.mark.django_db(transaction=True)]


# Celery's JSON supports more types than the standard library's.
VALUES = [uuid4(), date.today(), Decimal("1.5"), b"\xff"]


def test_a_task_whose_process_dies_runs_again(notes: Notes) -> None:
    die_once.delay(notes.path, VALUES)
    assert notes.wait(3) == ["dying", "interrupted once", str(VALUES)]
    wait_until(lambda: not DeadLetter.objects.exists(), what="its restart to be forgotten")


class Uncountable:
    """A value that is not JSON serializable."""

    def __str__(self) -> str:
        return "it ran"


def test_a_task_that_cannot_be_sent_again_for_a_retry_runs_until_it_can(notes: Notes) -> None:
    runs = settings.TASK_MAX_RESTARTS + 3
    retry_while_down.delay(notes.path, runs)
    assert notes.wait(runs + 1) == [*["trying"] * runs, "retried"]
    assert not DeadLetter.objects.filter(quarantined=True).exists()


def test_a_task_that_interrupts_its_process_each_time_becomes_a_dead_letter(notes: Notes) -> None:
    interrupt.delay(notes.path)
    wait_until(DeadLetter.objects.filter(quarantined=True).exists, what="a dead letter")
    assert notes.lines == ["starting"] * (1 + settings.TASK_MAX_RESTARTS)


def test_a_task_whose_restart_cannot_be_counted_runs(
    notes: Notes, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(base, "is_redelivered", lambda request: True)
    record.apply((Uncountable(), notes.path))
    assert notes.lines == ["it ran"]
    assert "The restart of a task could not be counted." in caplog.text


def count_restart(task_id: str) -> None:
    task: Any = die_once
    task.push_request(id=task_id, args=[], kwargs={})
    DeadLetter.count_restart(task)
    task.pop_request()


def test_concurrent_restarts_are_all_counted() -> None:
    """Two workers may get the same task after a network partition."""

    def count(number: int) -> None:
        count_restart("1")
        connections.close_all()

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(count, range(20)))
    assert DeadLetter.objects.get().restarts == 20


def test_the_count_of_a_task_that_never_ended_is_deleted_after_a_week() -> None:
    values = {"name": record.name, "signature": "{}"}
    for number, quarantined in enumerate([False, True]):
        DeadLetter.objects.create(id=f"old {number}", quarantined=quarantined, **values)
    DeadLetter.objects.update(updated_at=timezone.now() - timedelta(days=8))
    DeadLetter.objects.create(id="new", **values)
    count_restart("1")
    assert {letter.id for letter in DeadLetter.objects.all()} == {"old 1", "new", "1"}


def retry(admin_client: Client, task: DeadLetter) -> None:
    page = reverse("admin:task_queue_deadletter_changelist")
    assert task.name in admin_client.get(page).text
    admin_client.post(page, {"action": "retry", "_selected_action": [task.pk]})


def test_a_dead_letter_is_retried_from_the_admin(notes: Notes, admin_client: Client) -> None:
    task = DeadLetter.objects.create(
        id="1",
        name=record.name,
        signature=dumps(record.s("again", notes.path)),
        restarts=6,
        quarantined=True,
    )
    retry(admin_client, task)
    assert notes.wait() == ["again"]
    assert not DeadLetter.objects.exists()


def test_a_task_of_a_later_version_is_kept_until_it_is_deployed(
    celery: Celery, notes: Notes, admin_client: Client
) -> None:
    # A worker of that version died while it ran the task.
    DeadLetter.objects.create(id="1", name="record", signature="{}", restarts=1)
    then = record.si("then", notes.path)
    celery.send_task(
        "record",
        (VALUES, notes.path),
        task_id="1",
        link=then,
        queue="default",
        compression="gzip",
    )
    letters = DeadLetter.objects.filter(quarantined=True)
    wait_until(letters.exists, what="a dead letter")
    task = letters.get()
    # Deploy the later version: from now on, the task exists.
    task.signature = task.signature.replace('"task": "record"', f'"task": "{record.name}"')
    task.save()
    retry(admin_client, task)
    assert notes.wait(2) == [str(VALUES), "then"]

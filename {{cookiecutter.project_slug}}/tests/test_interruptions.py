"""A task whose process dies runs again, and one that was set aside can be sent again."""

import json

import pytest
from celery import Celery
from django.test import Client
from django.urls import reverse

from interruptions.models import InterruptedTask
from tests.conftest import Notes, wait_until
from tests.tasks import die_once, record

pytestmark = [pytest.mark.usefixtures("worker"), pytest.mark.django_db(transaction=True)]


def test_a_task_whose_process_dies_runs_again(notes: Notes) -> None:
    die_once.delay(notes.path)
    assert notes.wait(3) == ["dying", "interrupted once", "well"]
    wait_until(lambda: not InterruptedTask.objects.exists(), what="the note of it to go")


def send_again(admin_client: Client, task: InterruptedTask) -> None:
    page = reverse("admin:interruptions_interruptedtask_changelist")
    assert task.name in admin_client.get(page).text
    admin_client.post(page, {"action": "send_again", "_selected_action": [task.pk]})


def test_a_task_that_was_set_aside_is_sent_again_from_the_admin(
    notes: Notes, admin_client: Client
) -> None:
    task = InterruptedTask.objects.create(
        id="1",
        name=record.name,
        signature=json.dumps(record.s("again", notes.path)),
        restarts=6,
        set_aside=True,
    )
    send_again(admin_client, task)
    assert notes.wait() == ["again"]
    assert not InterruptedTask.objects.exists()


def test_a_task_of_a_later_version_is_kept_until_that_is_there(
    celery: Celery, notes: Notes, admin_client: Client
) -> None:
    then = record.si("then", notes.path)
    celery.send_task("record", ("monthly", notes.path), link=then, queue="default")
    wait_until(InterruptedTask.objects.exists, what="the task to be set aside")
    task = InterruptedTask.objects.get()
    # The later version: a task of this name.
    task.signature = task.signature.replace('"task": "record"', f'"task": "{record.name}"')
    task.save()
    send_again(admin_client, task)
    assert notes.wait(2) == ["monthly", "then"]

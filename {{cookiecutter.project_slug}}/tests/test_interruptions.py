"""A task whose process dies runs again, and one that was set aside can be sent again."""

import json

import pytest
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
    page = reverse("admin:interruptions_interruptedtask_changelist")
    assert record.name in admin_client.get(page).text
    admin_client.post(page, {"action": "send_again", "_selected_action": [task.pk]})
    assert notes.wait() == ["again"]
    assert not InterruptedTask.objects.exists()

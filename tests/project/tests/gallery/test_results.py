"""Stored results match the states on the page."""

import pytest
from celery.result import AsyncResult
from django.test import Client

from gallery.models import State
from gallery.tasks import send_email
from tests import wait_until
from tests.gallery.conftest import MailServer, order, ready_album, wait_for_state
from tests.gallery.test_emails import ready_email

pytestmark = [pytest.mark.usefixtures("worker"), pytest.mark.django_db(transaction=True)]


def wait_for_result(task_id: str, state: str) -> None:
    wait_until(lambda: AsyncResult(task_id).state == state, what=f"the result {state}")


def test_a_finished_sheet(client: Client) -> None:
    sheet = order(client, ready_album(pages=1))
    wait_for_state(sheet, State.DONE)
    wait_for_result(sheet.task_id, "SUCCESS")


def test_an_email_that_is_retried_and_fails(mail: MailServer) -> None:
    mail.refusals = 100
    email = ready_email()
    send_email.delay(email.pk)
    wait_for_state(email, State.RETRYING)
    wait_for_result(email.task_id, "RETRY")
    mail.answer = "550 no such user here"
    wait_for_state(email, State.FAILED)
    wait_for_result(email.task_id, "FAILURE")

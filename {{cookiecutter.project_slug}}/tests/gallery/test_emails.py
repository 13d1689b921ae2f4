"""A contact sheet is e-mailed now or later, with a limited number of retries."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone

from gallery.models import Email, Sheet, State
from gallery.tasks import send_email
from gallery.workflows import enqueue_sheet
from task_queue.base import RetriedTask
from tests import is_idle, wait_until
from tests.gallery.conftest import MailServer, order, ready_album, wait_for_state

pytestmark = [pytest.mark.usefixtures("worker"), pytest.mark.django_db(transaction=True)]


def ready_email() -> Email:
    """Return an e-mail whose contact sheet is done."""
    sheet = Sheet.objects.create(album=ready_album(pages=0))
    sheet.finish(sheet.file, f"{sheet.pk}.pdf", b"%PDF")
    return Email.objects.create(sheet=sheet, address="ada@example.com")


def test_a_sheet_is_sent_when_it_is_done(client: Client, mail: MailServer) -> None:
    sheet = order(client, ready_album(pages=1), address="ada@example.com")
    wait_for_state(Email.objects.get(sheet=sheet), State.DONE)
    [message] = mail.messages
    assert message["To"] == "ada@example.com"
    # The domain matches the sender's, as spam filters expect.
    assert message["From"] == "webmaster@localhost"
    assert message["Message-ID"] == f"<{sheet.email.pk}@localhost>"
    [attachment] = message.iter_attachments()
    sheet.refresh_from_db()
    assert attachment.get_content() == sheet.file.read()


def in_a_while(**time: float) -> str:
    """Return a time as a browser sends it, without a time zone."""
    due_at = timezone.localtime() + timedelta(**time)
    return due_at.replace(tzinfo=None).isoformat(timespec="seconds")


def test_a_visitor_chooses_when_a_sheet_is_sent(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The task would wait longer than the test runs.
    monkeypatch.setattr("gallery.workflows.enqueue_sheet", lambda sheet: None)
    due_at = in_a_while(minutes=30)
    sheet = order(client, ready_album(pages=1), address="ada@example.com", due_at=due_at)
    assert sheet.email.due_at == timezone.make_aware(datetime.fromisoformat(due_at))
    assert "to be sent at" in client.get("/").content.decode()


def test_a_sheet_is_sent_when_it_is_time(mail: MailServer) -> None:
    sheet = Sheet.objects.create(album=ready_album(pages=1))
    due_at = timezone.now() + timedelta(seconds=2)
    email = Email.objects.create(sheet=sheet, address="ada@example.com", due_at=due_at)
    enqueue_sheet(sheet)
    wait_for_state(email, State.DONE)
    # Some brokers count whole seconds.
    assert email.changed_at >= due_at - timedelta(seconds=1)
    assert len(mail.messages) == 1


@pytest.mark.parametrize("time", [{"hours": -1}, {"hours": 1}, {"days": 7}], ids=str)
def test_a_time_that_is_over_or_too_far_is_refused_in_words(
    time: dict[str, float], client: Client
) -> None:
    address = f"/albums/{ready_album(pages=1).pk}/sheet/"
    answers = {"address": "ada@example.com", "due_at": in_a_while(**time)}
    response = client.post(address, answers, follow=True)
    assert "Choose a time within the next 45 minutes." in response.content.decode()
    assert not Sheet.objects.exists()


def test_an_email_that_is_cancelled_is_not_sent(client: Client, mail: MailServer) -> None:
    cancelled = ready_email()
    client.post(f"/sheets/{cancelled.sheet.pk}/cancel/")
    send_email.delay(cancelled.pk)
    other = ready_email()
    send_email.delay(other.pk)
    wait_until(is_idle)
    wait_for_state(other, State.DONE)
    wait_for_state(cancelled, State.CANCELLED)
    assert len(mail.messages) == 1


def test_a_server_that_refuses_is_asked_again(client: Client, mail: MailServer) -> None:
    mail.refusals = 100
    email = ready_email()
    send_email.delay(email.pk)
    words = "E-mail: trying again. A server did not answer, or refused the request."
    wait_until(lambda: words in " ".join(client.get("/").content.decode().split()), what=words)
    mail.refusals = 0
    wait_for_state(email, State.DONE)
    assert len(mail.messages) == 1


def test_a_server_that_keeps_refusing_is_given_up_on(client: Client, mail: MailServer) -> None:
    mail.refusals = 100
    email = ready_email()
    # The last of the retries.
    send_email.signature((email.pk,), retries=send_email.max_retries).delay()
    wait_for_state(email, State.FAILED)
    words = "E-mail: failed. A server did not answer, or refused the request."
    assert words in " ".join(client.get("/").content.decode().split())


def test_a_server_that_refuses_for_good_is_not_asked_again(
    client: Client, mail: MailServer
) -> None:
    mail.refusals, mail.answer = 1, "550 no such user here"
    email = ready_email()
    send_email.delay(email.pk)
    wait_for_state(email, State.FAILED)
    words = "E-mail: failed. The mail server refused it. Is the address right?"
    assert words in " ".join(client.get("/").content.decode().split())
    assert email.attempts == 1


def test_an_email_whose_sheet_is_gone_fails_immediately(mail: MailServer) -> None:
    email = ready_email()
    Path(email.sheet.file.path).unlink()
    send_email.delay(email.pk)
    wait_for_state(email, State.FAILED)
    assert (email.error, email.attempts) == ("A required file is missing.", 1)


def test_it_is_retried_after_all_that_other_tasks_are_retried_after() -> None:
    assert set(RetriedTask.autoretry_for) < set(send_email.autoretry_for)


def test_an_email_is_sent_once_however_often_the_task_runs(mail: MailServer) -> None:
    email = ready_email()
    for _ in range(6):
        send_email.delay(email.pk)
    wait_until(is_idle)
    wait_for_state(email, State.DONE)
    assert len(mail.messages) == 1


def test_an_email_that_another_task_sends_is_left_to_it(mail: MailServer) -> None:
    email = ready_email()
    Email.objects.update(state=State.WORKING, task_id="first")
    send_email.delay(email.pk)
    wait_until(is_idle)
    assert mail.messages == []
    # A task that runs again after its worker died gets its job back.
    send_email.apply_async((email.pk,), task_id="first")
    wait_for_state(email, State.DONE)
    assert len(mail.messages) == 1

"""What waits since its task was lost is done all the same, a little later."""

from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.utils import timezone

from gallery.models import Album, Email, Sheet, State
from gallery.tasks import resend_lost_tasks
from tests.gallery.conftest import (
    MailServer,
    Upload,
    an_hour_passes,
    picture,
    ready_album,
    wait_for_state,
)
from tests.gallery.test_emails import ready_email

pytestmark = [pytest.mark.usefixtures("worker"), pytest.mark.django_db(transaction=True)]


def lost_album() -> Album:
    """An album whose photograph no task was sent for."""
    album = Album.objects.create(title="lost")
    album.photographs.create(name="lost.jpg", file=ContentFile(picture(), "lost"))
    return album


def test_thumbnails_and_sheets_whose_tasks_are_lost_are_made() -> None:
    photograph = lost_album().photographs.get()
    sheet = Sheet.objects.create(album=ready_album(pages=1))
    an_hour_passes()
    resend_lost_tasks.delay()
    wait_for_state(photograph, State.DONE)
    wait_for_state(sheet, State.DONE)


def test_an_email_whose_task_is_lost_is_sent_when_it_is_due(mail: MailServer) -> None:
    early, lost, last = ready_email(), ready_email(), ready_email()
    Email.objects.filter(pk=early.pk).update(due_at=timezone.now() + timedelta(minutes=20))
    an_hour_passes()
    Email.objects.filter(pk=last.pk).update(created_at=timezone.now() - timedelta(minutes=20))
    resend_lost_tasks.delay()
    wait_for_state(last, State.DONE)
    wait_for_state(lost, State.DONE)
    wait_for_state(early, State.WAITING)
    assert len(mail.messages) == 2


def test_what_has_not_waited_for_long_is_left_alone(upload: Upload) -> None:
    photograph = lost_album().photographs.get()
    resend_lost_tasks.delay()
    wait_for_state(upload().photographs.get(), State.DONE)
    wait_for_state(photograph, State.WAITING)

"""Jobs whose tasks were lost are requeued."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from celery.signals import before_task_publish
from django.core.files.base import ContentFile
from django.utils import timezone

from gallery.models import LONG_WAIT, Album, Email, Photograph, Sheet, State
from gallery.tasks import make_thumbnail, requeue_stalled
from tests.gallery.conftest import (
    MailServer,
    Occupied,
    an_hour_passes,
    picture,
    ready_album,
    wait_for_state,
)
from tests.gallery.test_emails import ready_email

pytestmark = [pytest.mark.usefixtures("worker"), pytest.mark.django_db(transaction=True)]


def lost_album() -> Album:
    """Return an album with a photograph, without sending its task."""
    album = Album.objects.create(title="lost")
    album.photographs.create(name="lost.jpg", file=ContentFile(picture(), "lost"))
    return album


def test_thumbnails_and_sheets_whose_tasks_are_lost_are_made() -> None:
    photograph = lost_album().photographs.get()
    sheet = Sheet.objects.create(album=ready_album(pages=1))
    an_hour_passes()
    requeue_stalled.delay()
    wait_for_state(photograph, State.DONE)
    wait_for_state(sheet, State.DONE)


def test_an_email_whose_task_is_lost_is_sent_when_it_is_due(mail: MailServer) -> None:
    early, lost, last = ready_email(), ready_email(), ready_email()
    Email.objects.filter(pk=early.pk).update(due_at=timezone.now() + timedelta(minutes=20))
    an_hour_passes()
    Email.objects.filter(pk=last.pk).update(changed_at=timezone.now() - timedelta(minutes=20))
    requeue_stalled.delay()
    wait_for_state(last, State.DONE)
    wait_for_state(lost, State.DONE)
    wait_for_state(early, State.WAITING)
    assert len(mail.messages) == 2


def test_recent_jobs_are_not_requeued(sent: list[str]) -> None:
    lost_album()
    Sheet.objects.create(album=ready_album(pages=1), state=State.WORKING, task_id="at work")
    requeue_stalled()
    assert sent == []


@pytest.mark.parametrize("state", [State.WORKING, State.RETRYING])
def test_an_abandoned_photograph_and_its_sheet_are_finished(
    state: State, occupy: Callable[[], Occupied]
) -> None:
    photograph = lost_album().photographs.get()
    Photograph.objects.update(state=state, task_id="lost")
    sheet = Sheet.objects.create(album=photograph.album, state=state, task_id="lost")
    an_hour_passes()
    # The photograph is not done yet when the sheet's turn comes.
    occupied = occupy()
    requeue_stalled()
    occupied.free()
    wait_for_state(photograph, State.DONE)
    wait_for_state(sheet, state)
    requeue_stalled.delay()
    wait_for_state(sheet, State.DONE)


def test_waiting_jobs_are_sent_once_a_round_and_expire_before_the_next(
    sent: list[str], occupy: Callable[[], Occupied]
) -> None:
    photograph = lost_album().photographs.get()
    an_hour_passes()
    expiry: list[object] = []

    def note(headers: dict[str, object], **kwargs: object) -> None:
        expiry.append(headers["expires"])

    before_task_publish.connect(note)
    occupied = occupy()
    sent.clear()
    before = timezone.now()
    requeue_stalled()
    requeue_stalled()
    after = timezone.now()
    before_task_publish.disconnect(note)
    occupied.free()
    assert sent == [make_thumbnail.name]
    due = datetime.fromisoformat(str(expiry[-1]))
    assert before <= due - LONG_WAIT <= after
    wait_for_state(photograph, State.DONE)

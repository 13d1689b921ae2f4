"""The work that workers do. `orders.py` says what is sent when."""

from datetime import timedelta
from itertools import batched
from typing import Any
from uuid import UUID

from celery import shared_task
from celery.exceptions import Ignore, SoftTimeLimitExceeded
from django.db.models import QuerySet
from django.utils import timezone

from config.tasks import RetriedTask, Task
from gallery import copies, mail
from gallery.jobs import JobTask
from gallery.models import LONG_WAIT, UNDER_WAY, Album, Email, Photograph, Sheet, State
from gallery.pictures import UnreadablePicture, make_jpeg

# In pixels: a thumbnail is no wider, and no higher.
THUMBNAIL_SIZE = (400, 400)
DAYS_KEPT = 7


# Time limits, in seconds: a picture may be made to keep a worker busy for ever.
@shared_task(bind=True, base=JobTask, model=Photograph, soft_time_limit=20, time_limit=30)
def make_thumbnail(self: JobTask, photograph_id: UUID) -> None:
    """Makes a photograph's thumbnail. May run twice: the second time finds nothing to do."""
    photograph = Photograph.begin(photograph_id, str(self.request.id))
    if photograph:
        try:
            draw_thumbnail(photograph)
        except SoftTimeLimitExceeded:
            Photograph.change([photograph_id], State.FAILED, "It takes too long to read.")
    elif Photograph.objects.filter(pk=photograph_id, state=State.WORKING).exists():
        # Another task is at it, and what comes after this one needs the thumbnail: it looks again
        # in a second, for longer than a thumbnail may take.
        raise self.retry(countdown=1, max_retries=60)


# One task for many: a message for each would cost more than the work is worth.
@shared_task(bind=True, base=JobTask, model=Photograph)
def make_thumbnails(self: JobTask, photograph_ids: list[UUID]) -> None:
    """Makes many thumbnails. What it does not get to is sent again later, each by itself."""
    for photograph_id in photograph_ids:
        photograph = Photograph.begin(photograph_id, str(self.request.id))
        if not photograph:
            continue
        try:
            draw_thumbnail(photograph)
        except SoftTimeLimitExceeded:
            # All of them took too long, not this one.
            Photograph.change([photograph_id], State.WAITING)
            raise


def draw_thumbnail(photograph: Photograph) -> None:
    """Makes and keeps a thumbnail. Says so where that cannot be, which is nothing to retry."""
    try:
        with photograph.file.open() as file:
            picture = file.read()
        thumbnail = make_jpeg(picture, THUMBNAIL_SIZE)
    except FileNotFoundError:
        Photograph.change([photograph.pk], State.FAILED, "Its file is gone.")
    except UnreadablePicture as error:
        Photograph.change([photograph.pk], State.FAILED, str(error))
    else:
        photograph.finish(photograph.thumbnail, f"{photograph.pk}.jpg", thumbnail)


# Such an exception is no news in the log: a sheet is also stopped by it when it is cancelled.
@shared_task(bind=True, base=JobTask, model=Sheet, throws=(SoftTimeLimitExceeded,))
def make_sheet(self: JobTask, sheet_id: UUID) -> None:
    """Draws a contact sheet, page by page. May run twice: it begins again."""
    # Not above: every process would take a third of a second longer to start, for this task alone.
    from gallery.contact_sheet import PER_PAGE, ContactSheet

    sheet = Sheet.begin(sheet_id, str(self.request.id))
    if not sheet:
        # What comes after this task in a chain is not sent.
        raise Ignore
    copies.tidy()
    photographs = sheet.album.photographs.filter(state=State.DONE)
    if not photographs:
        Sheet.change([sheet.pk], State.FAILED, "None of its photographs can be read.")
        raise Ignore
    pages = list(batched(photographs, PER_PAGE, strict=False))
    drawing = Sheet.objects.filter(pk=sheet.pk, state=State.WORKING, task_id=sheet.task_id)
    pdf = ContactSheet()
    for number, page in enumerate(pages):
        # Progress, for what takes longer than a visitor likes to wait: it goes to the row, where
        # each page finds it. Where they cancelled, no row is left to change.
        if not drawing.update(pages_done=number, pages=len(pages), changed_at=timezone.now()):
            raise Ignore
        pdf.add_pictures(copies.copy(photograph) for photograph in page)
    sheet.pages = sheet.pages_done = len(pages)
    sheet.finish(sheet.file, f"{sheet.pk}.pdf", bytes(pdf.output()))


# A worker sends one a second at most: mail servers turn away those who send more. What they may
# take later is an OSError, and is retried like what every task retries.
@shared_task(
    bind=True,
    base=JobTask,
    model=Email,
    autoretry_for=(*RetriedTask.autoretry_for, OSError),
    dont_autoretry_for=(FileNotFoundError,),
    rate_limit="1/s",
)
def send_email(self: JobTask, email_id: UUID) -> None:
    """Sends a contact sheet. May run twice: the second time finds that it was sent."""
    if email := Email.begin(email_id, str(self.request.id)):
        mail.send(email)
        Email.change([email.pk], State.DONE)


# A periodic task, for what the clock asks for, and no visitor.
@shared_task(base=RetriedTask)
def remove_old_albums() -> None:
    """Removes what was uploaded days ago. Runs each night."""
    old = Album.objects.filter(created_at__lt=timezone.now() - timedelta(days=DAYS_KEPT))
    for album in old.iterator():
        album.delete()


@shared_task(base=RetriedTask)
def resend_lost_tasks() -> None:
    """Sends again what the broker did not take, or lost. Runs every ten minutes.

    What was only late runs twice then: the second time finds nothing to do. A sheet gets its turn
    when its photographs are through, an e-mail when its sheet is.
    """
    resend(make_thumbnail, Photograph.lost())
    resend(make_sheet, Sheet.lost(), queue="slow")
    resend(send_email, Email.lost())


def resend(task: Task, lost: QuerySet[Any], queue: str = "default") -> None:
    """Sends a task for each of these jobs. Workers drop those that wait until the next round."""
    for key in list(lost.values_list("pk", flat=True)):
        # Should another task still work on it, its result is not kept: the job is no longer its.
        job = lost.model._default_manager.filter(pk=key, pk__in=lost.values("pk"))
        if job.filter(state__in=UNDER_WAY).update(
            state=State.WAITING, error="", task_id="", changed_at=timezone.now()
        ):
            task.apply_async((key,), queue=queue, expires=LONG_WAIT.total_seconds())


@shared_task(base=RetriedTask)
def tidy_copies() -> None:
    """Removes this worker's copies of thumbnails that are gone."""
    copies.tidy()


@shared_task(base=RetriedTask)
def stop_sheet(sheet_id: UUID) -> None:
    """Tells a sheet that a thumbnail it waits for will never be there."""
    reason = "A thumbnail that it needs could not be made. Ask for it again."
    Sheet.change([sheet_id], State.FAILED, reason)

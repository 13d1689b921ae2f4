# {% from "project.jinja" import broker with context %}
"""The tasks. `workflows.py` sends most of them, and `requeue_stalled()` sends lost ones again."""

from datetime import timedelta
from itertools import batched
from typing import Any
from uuid import UUID

from celery import shared_task
from celery.exceptions import Ignore, SoftTimeLimitExceeded
from django.db.models import QuerySet
from django.utils import timezone

from gallery import mail, thumbnail_cache
from gallery.jobs import JobTask
from gallery.models import LONG_WAIT, UNDER_WAY, Album, Email, Photograph, Sheet, State
from gallery.pictures import UnreadablePicture, make_jpeg
from task_queue.base import RetriedTask, Task

# The largest width and height, in pixels.
THUMBNAIL_SIZE = (400, 400)
DAYS_KEPT = 7


# Time limits in seconds, since a crafted picture can keep a worker busy for hours.
@shared_task(bind=True, base=JobTask, model=Photograph, soft_time_limit=20, time_limit=30)
def make_thumbnail(self: JobTask, photograph_id: UUID) -> None:
    """Make the thumbnail of a photograph. Idempotent: a second run finds nothing to do."""
    photograph = Photograph.begin(photograph_id, self.request)
    if photograph:
        try:
            draw_thumbnail(photograph)
        except SoftTimeLimitExceeded:
            Photograph.change([photograph_id], State.FAILED, "It took too long to read.")
    elif Photograph.objects.filter(pk=photograph_id, state=State.WORKING).exists():
        # Another task is making it, and the tasks after this one need it. Look again every second,
        # for longer than its time limit.
        raise self.retry(countdown=1, max_retries=60)


# One task for many photographs: a message for each would cost more than its thumbnail.
@shared_task(bind=True, base=JobTask, model=Photograph)
def make_thumbnails(self: JobTask, photograph_ids: list[UUID]) -> None:
    """Make many thumbnails. `requeue_stalled` sends those it does not reach one by one."""
    for photograph_id in photograph_ids:
        photograph = Photograph.begin(photograph_id, self.request)
        if not photograph:
            continue
        try:
            draw_thumbnail(photograph)
        except SoftTimeLimitExceeded:
            # All of them together took too long, not this one.
            Photograph.change([photograph_id], State.WAITING)
            raise


def draw_thumbnail(photograph: Photograph) -> None:
    """Make and store a thumbnail. A missing or unreadable file fails without a retry."""
    try:
        with photograph.file.open() as file:
            picture = file.read()
        thumbnail = make_jpeg(picture, THUMBNAIL_SIZE)
    except FileNotFoundError:
        Photograph.change([photograph.pk], State.FAILED, "Its file is missing.")
    except UnreadablePicture as error:
        Photograph.change([photograph.pk], State.FAILED, str(error))
    else:
        photograph.finish(photograph.thumbnail, f"{photograph.pk}.jpg", thumbnail)


# Do not log the traceback of a task that was stopped.
@shared_task(bind=True, base=JobTask, model=Sheet, throws=(SoftTimeLimitExceeded,))
def make_sheet(self: JobTask, sheet_id: UUID) -> None:
    """Draw a contact sheet page by page. Idempotent: a second run starts over."""
    # Imported here, since it takes a third of a second, and only this task needs it.
    from gallery.contact_sheet import PER_PAGE, ContactSheet

    sheet = Sheet.begin(sheet_id, self.request)
    if not sheet:
        # Ignore also stops the chain: the next task is not sent.
        raise Ignore
    thumbnail_cache.prune()
    photographs = sheet.album.photographs.filter(state=State.DONE)
    if not photographs:
        Sheet.change([sheet.pk], State.FAILED, "None of its photographs can be read.")
        raise Ignore
    pages = list(batched(photographs, PER_PAGE))
    drawing = Sheet.objects.filter(pk=sheet.pk, state=State.WORKING, task_id=sheet.task_id)
    pdf = ContactSheet()
    for number, page in enumerate(pages):
        # Store the progress in the row, where every page view finds it. After a cancellation the
        # filter matches no row.
        if not drawing.update(pages_done=number, pages=len(pages), changed_at=timezone.now()):
            raise Ignore
        pdf.add_pictures(thumbnail_cache.cached_thumbnail(photograph) for photograph in page)
    sheet.pages = sheet.pages_done = len(pages)
    sheet.finish(sheet.file, f"{sheet.pk}.pdf", bytes(pdf.output()))


# Each worker sends at most one e-mail a second, since mail servers refuse bursts. A temporary
# failure is an OSError, which is retried in addition to the exceptions that every task retries.
@shared_task(
    bind=True,
    base=JobTask,
    model=Email,
    autoretry_for=(*RetriedTask.autoretry_for, OSError),
    dont_autoretry_for=(FileNotFoundError,),
    rate_limit="1/s",
)
def send_email(self: JobTask, email_id: UUID) -> None:
    """Send a contact sheet. Idempotent: a second run finds that it was sent."""
    if email := Email.begin(email_id, self.request):
        mail.send(email)
        Email.change([email.pk], State.DONE)


# A periodic task: no view sends it.
@shared_task(base=RetriedTask)
def remove_old_albums() -> None:
    """Remove albums that are a week old. Runs every night."""
    old = Album.objects.filter(created_at__lt=timezone.now() - timedelta(days=DAYS_KEPT))
    for album in old.iterator():
        album.delete()


@shared_task(base=RetriedTask)
def requeue_stalled() -> None:
    """Send tasks again for stalled jobs, whose own were lost or never sent. Runs every ten minutes.

    A task that was only late runs twice, and its second run finds nothing to do. A sheet is sent
    once its photographs are done, an e-mail once its sheet is.
    """
    requeue(make_thumbnail, Photograph.stalled())
    requeue(make_sheet, Sheet.stalled(), queue="slow")
    requeue(send_email, Email.stalled())


def requeue(task: Task, stalled: QuerySet[Any], queue: str = "default") -> None:
    """Send a task for each job. It expires before the next round sends another one."""
    for key in list(stalled.values_list("pk", flat=True)):
        # If another task is still working on the job, its result is dropped: the id differs.
        job = stalled.model._default_manager.filter(pk=key, pk__in=stalled.values("pk"))
        if job.filter(state__in=UNDER_WAY).update(
            state=State.WAITING, error="", task_id="", changed_at=timezone.now()
        ):
            task.apply_async((key,), queue=queue, expires=LONG_WAIT.total_seconds())


# {% if broker.broadcasts %}
@shared_task(base=RetriedTask)
def prune_thumbnail_cache() -> None:
    """Delete the copies of removed thumbnails on this worker's disk."""
    thumbnail_cache.prune()


# {% endif %}
@shared_task(base=RetriedTask)
def stop_sheet(sheet_id: UUID) -> None:
    """Fail a sheet, since one of its thumbnails failed."""
    reason = "A thumbnail for this sheet could not be made. Order the sheet again."
    Sheet.change([sheet_id], State.FAILED, reason)

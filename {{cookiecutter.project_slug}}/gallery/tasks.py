"""The work that workers do. `orders.py` says what is sent when."""

from datetime import timedelta
from email.utils import parseaddr
from itertools import batched
from uuid import UUID

from celery import shared_task
from celery.exceptions import Ignore, SoftTimeLimitExceeded
from django.conf import settings
from django.core.mail import EmailMessage
from django.utils import timezone

from config.tasks import RetriedTask
from gallery import copies
from gallery.contact_sheet import PER_PAGE, ContactSheet
from gallery.jobs import JobTask
from gallery.models import Album, Email, Photograph, Sheet, State
from gallery.pictures import UnreadablePicture, make_jpeg

DAYS_KEPT = 7


# Time limits, in seconds: a picture may be made to keep a worker busy for ever.
@shared_task(base=JobTask, model=Photograph, soft_time_limit=20, time_limit=30)
def make_thumbnail(photograph_id: UUID) -> None:
    """Makes a photograph's thumbnail. May run twice: the second time finds nothing to do."""
    if not Photograph.change([photograph_id], State.WORKING):
        return
    photograph = Photograph.objects.get(pk=photograph_id)
    try:
        with photograph.file.open() as file:
            thumbnail = make_jpeg(file)
    # That is nothing to retry, and no reason to hold up the sheet that waits for this photograph.
    except UnreadablePicture as error:
        Photograph.change([photograph_id], State.FAILED, str(error))
    except SoftTimeLimitExceeded:
        Photograph.change([photograph_id], State.FAILED, "It takes too long to read.")
    else:
        photograph.finish(photograph.thumbnail, f"{photograph.pk}.jpg", thumbnail)


@shared_task(base=JobTask, model=Photograph)
def make_thumbnails(photograph_ids: list[UUID]) -> None:
    """Makes many thumbnails: one message for each would cost more than the work is worth."""
    for photograph_id in photograph_ids:
        make_thumbnail(photograph_id)


# Such an exception is no news in the log: a sheet is also stopped by it when it is cancelled.
@shared_task(bind=True, base=JobTask, model=Sheet, throws=(SoftTimeLimitExceeded,))
def make_sheet(self: JobTask, sheet_id: UUID) -> None:
    """Draws a contact sheet, page by page. May run twice: it begins again."""
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
    drawing = Sheet.objects.filter(pk=sheet.pk, state=State.WORKING)
    pdf = ContactSheet()
    for number, page in enumerate(pages):
        # The visitor sees how far it is. Where they cancelled, no row is left to change.
        if not drawing.update(pages_done=number, pages=len(pages)):
            raise Ignore
        pdf.add_pictures(copies.copy(photograph) for photograph in page)
    sheet.pages = sheet.pages_done = len(pages)
    sheet.finish(sheet.file, f"{sheet.pk}.pdf", bytes(pdf.output()))


# A worker sends one a second at most: mail servers turn away those who send more. What goes wrong
# there is an OSError, whether the network is down or the server refuses.
@shared_task(bind=True, base=JobTask, model=Email, autoretry_for=(OSError,), rate_limit="1/s")
def send_email(self: JobTask, email_id: UUID) -> None:
    """Sends a contact sheet. May run twice: the second time finds that it was sent."""
    email = Email.begin(email_id, str(self.request.id))
    if not email:
        return
    _, sender = parseaddr(settings.DEFAULT_FROM_EMAIL)
    message = EmailMessage(
        subject=str(email.sheet),
        body="The contact sheet that you asked for is attached.",
        to=[email.address],
        # Who gets a second copy, since a worker died before it could note the first, can tell.
        headers={"Message-ID": f"<{email.pk}@{sender.partition('@')[2]}>"},
    )
    with email.sheet.file.open() as file:
        message.attach("contact-sheet.pdf", file.read(), "application/pdf")
    message.send()
    Email.change([email.pk], State.DONE)


@shared_task(base=RetriedTask)
def remove_old_albums() -> None:
    """Removes what was uploaded days ago. Runs each night."""
    old = Album.objects.filter(created_at__lt=timezone.now() - timedelta(days=DAYS_KEPT))
    for album in old.iterator():
        album.delete()


@shared_task(base=RetriedTask)
def resend_lost_tasks() -> None:
    """Sends again what the broker did not take, or lost. Runs every ten minutes."""
    from gallery import orders  # It imports this module.

    orders.tasks_lost()


@shared_task(base=RetriedTask)
def tidy_copies() -> None:
    """Removes this worker's copies of thumbnails that are gone."""
    copies.tidy()


@shared_task(base=RetriedTask)
def stop_sheet(sheet_id: UUID) -> None:
    """Tells a sheet that a thumbnail it waits for will never be there."""
    reason = "A thumbnail that it needs could not be made. Ask for it again."
    Sheet.change([sheet_id], State.FAILED, reason)

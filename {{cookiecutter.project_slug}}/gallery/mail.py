"""Sends contact sheets by e-mail."""

from email.utils import parseaddr
from smtplib import SMTPException, SMTPRecipientsRefused

from django.conf import settings
from django.core.mail import EmailMessage

from gallery.models import Email


class Undeliverable(Exception):  # noqa: N818 - the server says so, and is right
    """What the mail server refuses for good: to ask again would only annoy it."""


def send(email: Email) -> None:
    """Sends an e-mail with its contact sheet.

    Raises Undeliverable where that is of no use, and OSError where it may work later, whether the
    network is down or the server is busy.
    """
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
    try:
        message.send()
    except SMTPException as error:
        if answer(error) >= 500:
            raise Undeliverable(str(error)) from error
        raise


def answer(error: SMTPException) -> int:
    """The code by which the server refused: from 500 on for good, 0 if it said none."""
    if isinstance(error, SMTPRecipientsRefused):
        return min(code for code, _ in error.recipients.values())
    return getattr(error, "smtp_code", 0)

"""Send contact sheets by e-mail."""

from email.utils import parseaddr
from smtplib import SMTPException, SMTPRecipientsRefused

from django.conf import settings
from django.core.mail import EmailMessage

from gallery.models import Email


class Undeliverable(Exception):  # noqa: N818 - not a fault of the program
    """The mail server refused the e-mail permanently, so do not retry."""


def send(email: Email) -> None:
    """Send an e-mail with its contact sheet.

    Raise `Undeliverable` for a permanent failure, and `OSError` for a temporary one, such as a
    broken connection or a busy server.
    """
    _, sender = parseaddr(settings.DEFAULT_FROM_EMAIL)
    message = EmailMessage(
        subject=str(email.sheet),
        body="The contact sheet that you asked for is attached.",
        to=[email.address],
        # If a worker dies before it stores the success, the e-mail is sent twice. Mail programs
        # recognize the duplicate by this header.
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
    """Return the SMTP reply code, or 0 without one. Codes from 500 are permanent failures."""
    if isinstance(error, SMTPRecipientsRefused):
        return min(code for code, _ in error.recipients.values())
    return getattr(error, "smtp_code", 0)

"""E-mails are sent at a limited rate, since mail servers refuse bursts."""

import time
from pathlib import Path

import pytest

from gallery.tasks import send_email
from tests import WORKER, Process, wait_until
from tests.gallery.conftest import MailServer
from tests.gallery.test_emails import ready_email
from tests.workers import restart

pytestmark = [pytest.mark.usefixtures("celery"), pytest.mark.django_db(transaction=True)]


def test_emails_are_sent_at_the_limited_rate(
    mail: MailServer, worker: Process, tmp_path: Path
) -> None:
    emails = [ready_email() for _ in range(5)]
    worker.stop()
    limited = Process(tmp_path / "log", *WORKER, app="tests.limits")
    try:
        limited.wait_for_line("ready.")
        start = time.monotonic()
        for email in emails:
            send_email.delay(email.pk)
        wait_until(lambda: len(mail.messages) == len(emails), "all e-mails")
        assert time.monotonic() - start > 3.5
    finally:
        limited.stop()
        restart(worker)

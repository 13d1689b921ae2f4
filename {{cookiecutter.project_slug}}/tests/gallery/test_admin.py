"""The admin lists the state of each task: done, failed or retried."""

import re

import pytest
from django.test import Client

from gallery.models import Job, State
from gallery.tasks import send_email
from tests.gallery.conftest import MailServer, Upload, picture, wait_for_state
from tests.gallery.test_emails import ready_email

pytestmark = [pytest.mark.usefixtures("worker"), pytest.mark.django_db(transaction=True)]


def row(client: Client, job: Job) -> list[str]:
    """Return a job's state, error, attempts and task id from the admin's list."""
    page = client.get(f"/admin/gallery/{job._meta.model_name}/").content.decode()
    [line] = [line for line in re.split("<tr", page) if job.task_id in line]
    return [
        re.sub("<.*?>", "", text)
        for field in ("state", "error", "attempts", "task_id")
        for text in re.findall(rf"field-{field}[^>]*>(.*?)</td>", line)
    ]


def test_it_lists_what_was_done_and_what_failed(admin_client: Client, upload: Upload) -> None:
    done = upload(picture()).photographs.get()
    failed = upload(b"no picture").photographs.get()
    wait_for_state(done, State.DONE)
    assert row(admin_client, done) == ["done", "-", "1", done.task_id]
    wait_for_state(failed, State.FAILED)
    words = "It is not a valid JPEG, PNG, GIF or WebP picture."
    assert row(admin_client, failed) == ["failed", words, "1", failed.task_id]


def test_it_lists_how_often_something_was_tried(admin_client: Client, mail: MailServer) -> None:
    mail.refusals = 1
    email = ready_email()
    send_email.delay(email.pk)
    wait_for_state(email, State.DONE)
    assert row(admin_client, email) == ["done", "-", "2", email.task_id]


def test_it_changes_nothing_and_leads_to_no_file_of_a_visitor(
    admin_client: Client, upload: Upload
) -> None:
    photograph = upload().photographs.get()
    address = f"/admin/gallery/photograph/{photograph.pk}/change/"
    page = admin_client.get(address).content.decode()
    assert photograph.name in page
    assert photograph.file.url not in page
    assert admin_client.post(address, {"state": "done"}).status_code == 403

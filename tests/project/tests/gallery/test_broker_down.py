"""While the broker is down, requests are saved. They run when it is up again."""

import pytest
from django.test import Client

from gallery.models import Album, Sheet, State
from gallery.tasks import requeue_stalled
from tests.gallery.conftest import (
    MailServer,
    Upload,
    an_hour_passes,
    order,
    ready_album,
    wait_for_state,
)

pytestmark = [pytest.mark.usefixtures("worker"), pytest.mark.django_db(transaction=True)]


def test_saved_requests_run_later(
    client: Client, upload: Upload, mail: MailServer, no_broker: pytest.MonkeyPatch
) -> None:
    album = upload()
    assert "Your request is saved and will run later." in client.get("/").content.decode()
    sheet = order(client, album, address="ada@example.com")
    assert "Your request is saved and will run later." in client.get("/").content.decode()
    no_broker.undo()
    an_hour_passes()
    requeue_stalled.delay()
    wait_for_state(album.photographs.get(), State.DONE)
    requeue_stalled.delay()
    wait_for_state(sheet, State.DONE)
    requeue_stalled.delay()
    wait_for_state(sheet.email, State.DONE)
    assert len(mail.messages) == 1


@pytest.mark.usefixtures("no_broker")
def test_an_album_is_removed(client: Client, upload: Upload) -> None:
    album = upload()
    assert client.post(f"/albums/{album.pk}/remove/").status_code == 302
    assert not Album.objects.exists()


@pytest.mark.usefixtures("no_broker")
def test_a_sheet_is_cancelled(client: Client) -> None:
    sheet = Sheet.objects.create(album=ready_album(pages=1), state=State.WORKING, task_id="first")
    assert client.post(f"/sheets/{sheet.pk}/cancel/").status_code == 302
    wait_for_state(sheet, State.CANCELLED)

"""While the broker is down, requests are saved. They run when it is up again."""

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import transaction
from django.test import Client

from gallery.models import Album, Photograph, Sheet, State
from gallery.tasks import make_thumbnail, requeue_stalled
from tests.gallery.conftest import (
    MailServer,
    Upload,
    an_hour_passes,
    order,
    picture,
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


def test_uploads_stay_whatever_error_their_tasks_meet(
    upload: Upload, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise ValueError("the broker refuses it")

    def send(key: object) -> None:
        transaction.on_commit(refuse)

    monkeypatch.setattr(make_thumbnail, "delay_on_commit", send)
    with pytest.raises(ValueError, match="refuses"):
        upload()
    assert Path(Photograph.objects.get().file.path).exists()


@pytest.mark.usefixtures("no_broker")
def test_a_folder_is_imported(tmp_path: Path) -> None:
    for number in range(101):
        (tmp_path / f"{number}.jpg").write_bytes(picture(8, 8))
    call_command("import_photographs", tmp_path, stdout=(output := StringIO()))
    assert "Workers will make the thumbnails once the broker answers again." in output.getvalue()
    assert Photograph.objects.filter(state=State.WAITING).count() == 101


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

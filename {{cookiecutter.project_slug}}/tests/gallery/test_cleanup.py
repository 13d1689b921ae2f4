"""Old albums are removed with their files."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone

from gallery.models import Album, State
from gallery.tasks import remove_old_albums
from tests import wait_until
from tests.gallery.conftest import Upload, order, ready_album, wait_for_state

pytestmark = [pytest.mark.usefixtures("worker"), pytest.mark.django_db(transaction=True)]


def test_week_old_albums_are_removed_with_their_files(client: Client) -> None:
    old, new = ready_album(pages=1), ready_album(pages=1)
    sheet = order(client, old)
    wait_for_state(sheet, State.DONE)
    files = [sheet.file.path, *(photograph.thumbnail.path for photograph in old.photographs.all())]
    Album.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=8))
    remove_old_albums.delay()
    wait_until(lambda: not Album.objects.filter(pk=old.pk).exists())
    wait_until(lambda: not any(Path(file).exists() for file in files))
    assert Album.objects.get() == new
    assert all(Path(photo.thumbnail.path).exists() for photo in new.photographs.all())


def test_visitors_remove_their_own_albums_and_no_others(client: Client, upload: Upload) -> None:
    own = upload()
    other = Album.objects.create(title="other", visitor="somebody else")
    for album, status in ((own, 302), (other, 404), (ready_album(pages=0), 404)):
        assert client.post(f"/albums/{album.pk}/remove/").status_code == status
    assert not Album.objects.filter(pk=own.pk).exists()
    assert Album.objects.filter(pk=other.pk).exists()

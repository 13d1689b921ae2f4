"""A picture that never ends keeps no worker busy."""

import os
from io import BytesIO
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.test import Client
from PIL import Image

from gallery.models import Album, Photograph, State
from gallery.tasks import make_thumbnail
from tests.conftest import wait_until
from tests.gallery.conftest import Upload

pytestmark = [pytest.mark.usefixtures("worker"), pytest.mark.django_db(transaction=True)]


def shows(client: Client, words: str) -> None:
    wait_until(lambda: words in client.get("/").content.decode(), what=words)


def decoding_bomb() -> bytes:
    """A JPEG that draws over itself so often that reading it takes minutes."""
    file = BytesIO()
    Image.new("L", (7_000, 7_000)).save(file, "JPEG", progressive=True)
    start, first, *_, last = file.getvalue().split(b"\xff\xda")
    return b"\xff\xda".join([start, first, *[last.removesuffix(b"\xff\xd9")] * 2_000, last])


def test_a_task_that_takes_too_long_stops_and_says_so(client: Client, upload: Upload) -> None:
    album = Album.objects.create(title="endless")
    photograph = Photograph(album=album, name="endless.jpg")
    photograph.file.name = f"gallery/originals/{photograph.pk}"
    path = Path(photograph.file.path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # As a storage that answers, and then sends nothing.
    os.mkfifo(path)
    photograph.save()
    make_thumbnail.apply_async((photograph.pk,), soft_time_limit=1)
    shows(client, "endless.jpg: It takes too long to read.")
    upload()
    wait_until(Photograph.objects.filter(state=State.DONE).exists)


def test_a_task_that_cannot_stop_is_killed_and_the_page_says_so(
    client: Client, upload: Upload
) -> None:
    album = Album.objects.create(title="bomb")
    file = ContentFile(decoding_bomb(), "bomb.jpg")
    photograph = album.photographs.create(name="bomb.jpg", file=file)
    make_thumbnail.apply_async((photograph.pk,), soft_time_limit=1, time_limit=2)
    shows(client, "bomb.jpg: It took too long.")
    assert album.photographs.get().state == State.FAILED
    upload()
    wait_until(Photograph.objects.filter(state=State.DONE).exists)

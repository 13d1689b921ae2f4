"""Time limits stop tasks whose picture takes too long."""

from io import BytesIO

import pytest
from django.core.files.base import ContentFile
from django.test import Client
from PIL import Image

from gallery.models import Album, Photograph, State
from gallery.tasks import make_thumbnail, make_thumbnails, requeue_stalled
from tests import wait_until
from tests.gallery.conftest import (
    SlowOriginal,
    Upload,
    an_hour_passes,
    picture,
    wait_for_state,
)

pytestmark = [pytest.mark.usefixtures("worker"), pytest.mark.django_db(transaction=True)]


def shows(client: Client, words: str) -> None:
    wait_until(lambda: words in client.get("/").content.decode(), what=words)


def decoding_bomb() -> bytes:
    """Return a JPEG that takes minutes to decode: it repeats one scan 2,000 times."""
    file = BytesIO()
    Image.new("L", (7_000, 7_000)).save(file, "JPEG", progressive=True)
    start, first, *_, last = file.getvalue().split(b"\xff\xda")
    return b"\xff\xda".join([start, first, *[last.removesuffix(b"\xff\xd9")] * 2_000, last])


def bomb(album: Album) -> Photograph:
    return album.photographs.create(name="bomb.jpg", file=ContentFile(decoding_bomb(), "bomb.jpg"))


def test_a_thumbnail_has_half_a_minute() -> None:
    assert (make_thumbnail.soft_time_limit, make_thumbnail.time_limit) == (20, 30)


def test_a_task_that_takes_too_long_stops_and_the_page_says_so(
    client: Client, upload: Upload
) -> None:
    slow = SlowOriginal(Album.objects.create(title="endless"), "endless.jpg")
    make_thumbnail.apply_async((slow.photograph.pk,), soft_time_limit=6)
    shows(client, "endless.jpg: It took too long to read.")
    upload()
    wait_until(Photograph.objects.filter(state=State.DONE).exists)


def test_a_task_that_cannot_stop_is_killed_and_the_page_says_so(
    client: Client, upload: Upload
) -> None:
    photograph = bomb(Album.objects.create(title="bomb"))
    make_thumbnail.apply_async((photograph.pk,), soft_time_limit=6, time_limit=7)
    shows(client, "bomb.jpg: It took too long.")
    wait_for_state(photograph, State.FAILED)
    upload()
    wait_until(Photograph.objects.filter(state=State.DONE).exists)


def test_only_the_photograph_that_cannot_be_stopped_fails() -> None:
    album = Album.objects.create(title="many")
    killed = bomb(album)
    last = album.photographs.create(file=ContentFile(picture(), "last"))
    make_thumbnails.apply_async(([killed.pk, last.pk],), soft_time_limit=6, time_limit=7)
    wait_for_state(killed, State.FAILED)
    wait_for_state(last, State.WAITING)
    an_hour_passes()
    requeue_stalled.delay()
    wait_for_state(last, State.DONE)


def test_a_batch_that_takes_too_long_is_retried_one_by_one() -> None:
    album = Album.objects.create(title="many")
    original = SlowOriginal(album)
    slow = original.photograph
    last = album.photographs.create(file=ContentFile(picture(), "last"))
    make_thumbnails.apply_async(([slow.pk, last.pk],), soft_time_limit=6)
    # It ran once, and waits to be requeued.
    wait_until(Photograph.objects.filter(pk=slow.pk, state=State.WAITING, attempts=1).exists)
    an_hour_passes()
    requeue_stalled.delay()
    wait_for_state(last, State.DONE)
    original.arrive()
    wait_for_state(slow, State.DONE)

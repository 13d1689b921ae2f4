"""An uploaded photograph gets its thumbnail, soon and once."""

from uuid import UUID

import pytest
from django.core.files.base import ContentFile
from django.db import transaction
from PIL import Image

from gallery.models import Album, Photograph, State
from gallery.orders import photograph_uploaded
from gallery.tasks import make_thumbnail
from tests.conftest import wait_until
from tests.gallery.conftest import Upload, picture

pytestmark = [pytest.mark.usefixtures("worker"), pytest.mark.django_db(transaction=True)]


def wait_for(key: UUID, state: State) -> Photograph:
    """The photograph, once it is in that state."""
    photographs = Photograph.objects.filter(pk=key, state=state)
    wait_until(photographs.exists, what=f"a photograph that is {state}")
    return photographs.get()


def thumbnails(photograph: Photograph) -> list[str]:
    """The names of all files that look like a thumbnail of this photograph."""
    _, names = photograph.thumbnail.storage.listdir("gallery/thumbnails")
    return [name for name in names if str(photograph.pk) in name]


def is_red(image: Image.Image) -> bool:
    """Whether there is more red than blue in an image."""
    red, _, blue = image.convert("RGB").resize((1, 1)).tobytes()
    return red > blue


def test_an_uploaded_photograph_gets_a_small_thumbnail(upload: Upload) -> None:
    key = upload(picture(1000, 500)).photographs.get().pk
    with Image.open(wait_for(key, State.DONE).thumbnail) as thumbnail:
        assert thumbnail.size == (400, 200)


def test_a_photograph_that_was_taken_sideways_stands_upright(upload: Upload) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    key = upload(picture(60, 40, exif=exif)).photographs.get().pk
    with Image.open(wait_for(key, State.DONE).thumbnail) as thumbnail:
        assert thumbnail.size == (40, 60)
        assert is_red(thumbnail.crop((0, 0, 40, 20)))
        assert not thumbnail.getexif()


def test_an_upload_that_is_rolled_back_sends_nothing(upload: Upload) -> None:
    album = Album.objects.create(title="rolled back")
    with transaction.atomic():
        photograph = album.photographs.create(file=ContentFile(picture(), "name"))
        photograph_uploaded(photograph)
        transaction.set_rollback(True)
    # As if nobody had rolled it back: a task that was sent would find it now, before the next one.
    photograph.save(force_insert=True)
    wait_for(upload().photographs.get().pk, State.DONE)
    photograph.refresh_from_db()
    assert photograph.state == State.WAITING


def test_a_photograph_that_is_processed_twice_has_one_thumbnail(upload: Upload) -> None:
    photograph = upload().photographs.get()
    first = wait_for(photograph.pk, State.DONE)
    # As after a worker that died when the file was written, but not yet noted.
    Photograph.objects.update(state=State.WORKING, thumbnail="")
    make_thumbnail.delay(photograph.pk)
    again = wait_for(photograph.pk, State.DONE)
    assert again.thumbnail.name == first.thumbnail.name
    assert thumbnails(photograph) == [f"{photograph.pk}.jpg"]

"""An uploaded photograph gets one thumbnail."""

from uuid import UUID

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError
from django.test import Client
from PIL import Image

from gallery.models import Album, Photograph, State
from gallery.tasks import draw_thumbnail, make_thumbnail, make_thumbnails
from tests import wait_until
from tests.gallery.conftest import Upload, picture

pytestmark = [pytest.mark.usefixtures("worker"), pytest.mark.django_db(transaction=True)]


def wait_for(key: UUID, state: State) -> Photograph:
    """Return the photograph once it is in that state."""
    photographs = Photograph.objects.filter(pk=key, state=state)
    wait_until(photographs.exists, what=f"a photograph that is {state}")
    return photographs.get()


def thumbnails(photograph: Photograph) -> list[str]:
    """Return the names of the files that may be thumbnails of this photograph."""
    _, names = photograph.thumbnail.storage.listdir("gallery/thumbnails")
    return [name for name in names if str(photograph.pk) in name]


def files() -> set[str]:
    """Return the names of all uploaded files."""
    _, names = default_storage.listdir("gallery/originals")
    return set(names)


def is_red(image: Image.Image) -> bool:
    """Check for more red than blue in an image."""
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


def test_an_upload_that_is_rolled_back_sends_nothing_and_leaves_no_file(
    client: Client, upload: Upload, sent: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    upload()
    assert sent == [make_thumbnail.name]
    kept = files()
    save, client.raise_request_exception = Photograph.save, False

    def save_one_only(photograph: Photograph) -> None:
        save(photograph)
        if photograph.name == "1.jpg":
            raise DatabaseError("the disk is full")

    monkeypatch.setattr(Photograph, "save", save_one_only)
    named = [SimpleUploadedFile(name, picture()) for name in ("0.jpg", "1.jpg")]
    assert client.post("/", {"photographs": named}).status_code == 500
    assert Album.objects.count() == Photograph.objects.count() == 1
    assert sent == [make_thumbnail.name]
    assert files() == kept


def test_a_photograph_that_is_processed_twice_has_one_thumbnail(upload: Upload) -> None:
    photograph = upload().photographs.get()
    first = wait_for(photograph.pk, State.DONE)
    # As if the worker died after it wrote the file, but before the commit.
    Photograph.objects.update(state=State.WORKING, thumbnail="")
    make_thumbnail.apply_async((photograph.pk,), task_id=first.task_id)
    again = wait_for(photograph.pk, State.DONE)
    assert again.thumbnail.name == first.thumbnail.name
    assert again.attempts == 2
    assert thumbnails(photograph) == [f"{photograph.pk}.jpg"]


def test_a_missing_file_does_not_stop_the_batch() -> None:
    album = Album.objects.create(title="many")
    first = album.photographs.create(file=ContentFile(picture(), "first"))
    gone = album.photographs.create(name="gone.jpg", file="gallery/originals/nowhere")
    last = album.photographs.create(file=ContentFile(picture(), "last"))
    make_thumbnails.delay([first.pk, gone.pk, last.pk])
    wait_for(last.pk, State.DONE)
    wait_for(first.pk, State.DONE)
    assert wait_for(gone.pk, State.FAILED).error == "Its file is missing."


def test_a_storage_error_is_not_a_damaged_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    photograph = Album.objects.create(title="away").photographs.create(
        file=ContentFile(picture(), "name")
    )

    def fail(*args: object) -> None:
        raise ConnectionResetError("the storage is unreachable")

    with photograph.file.open() as file:
        monkeypatch.setattr(type(file), "read", fail)
        with pytest.raises(ConnectionError):
            draw_thumbnail(photograph)
    photograph.refresh_from_db()
    assert photograph.state == State.WAITING

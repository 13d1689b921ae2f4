"""The page shows the error of a bad file, and the worker keeps running."""

import struct
import zlib
from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from gallery import forms
from gallery.models import Photograph
from tests import Process, wait_until
from tests.gallery.conftest import Upload, picture

pytestmark = pytest.mark.django_db(transaction=True)


def bomb(width: int, height: int) -> bytes:
    """Return a small PNG file whose header claims that many pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(name + data))
        return struct.pack(">I", len(data)) + name + data + checksum

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def tiff() -> bytes:
    file = BytesIO()
    Image.new("L", (8, 8)).save(file, "TIFF")
    return file.getvalue()


@pytest.mark.parametrize(
    ("file", "words"),
    [
        pytest.param(
            b"This is a text.", "It is not a valid JPEG, PNG, GIF or WebP picture.", id="text"
        ),
        pytest.param(
            tiff(), "It is not a valid JPEG, PNG, GIF or WebP picture.", id="another format"
        ),
        pytest.param(picture(500, 500)[:900], "It is damaged: its end may be missing.", id="cut"),
        pytest.param(bomb(8_000, 8_000), "It has 64,000,000 pixels: at most", id="large"),
        pytest.param(bomb(60_000, 60_000), "It has far too many pixels.", id="bomb"),
    ],
)
def test_an_invalid_picture_shows_its_error(
    file: bytes, words: str, client: Client, upload: Upload, worker: Process
) -> None:
    upload(file, picture())
    wait_until(lambda: words in client.get("/").content.decode(), what=words)
    # The same worker makes the other thumbnail.
    wait_until(lambda: Photograph.objects.filter(state="done").count() == 1)
    assert not worker.ended


@pytest.mark.parametrize(
    ("files", "words"),
    [
        pytest.param([], "Choose a photograph first.", id="none"),
        pytest.param([b""], "0.jpg is empty.", id="empty"),
        pytest.param([b"x" * 11], "0.jpg is larger than", id="large"),
        pytest.param([b"x"] * 21, "You chose 21 files: upload 20 at a time.", id="many"),
    ],
)
def test_an_upload_that_breaks_a_limit_is_refused_as_a_whole(
    files: list[bytes], words: str, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forms, "MAX_BYTES", 10)
    named = [SimpleUploadedFile(f"{number}.jpg", file) for number, file in enumerate(files)]
    response = client.post("/", {"photographs": named})
    assert response.status_code == 400
    assert words in response.content.decode()
    assert not Photograph.objects.exists()


def test_an_upload_over_the_limit_is_refused_before_it_is_read(client: Client) -> None:
    large = str(forms.MAX_BODY + 1)
    # The client has no body to send, and would fail if it were read.
    response = client.post("/", CONTENT_LENGTH=large)
    assert response.status_code == 413
    assert response.content == b"The upload is too large: the limit is 201 MB."

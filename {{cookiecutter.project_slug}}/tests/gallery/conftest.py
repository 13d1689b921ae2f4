"""Pictures, and a mail server that refuses as often as a test likes."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from io import BytesIO
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread

import pytest
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from PIL import Image

from gallery.contact_sheet import PER_PAGE
from gallery.models import Album, Email, Job, Photograph, Sheet, State
from tests.conftest import Process, wait_until


class MailServer(ThreadingTCPServer):
    """Takes what is sent to it, but refuses the first `refusals` messages."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("localhost", 0), Conversation)
        self.messages: list[EmailMessage] = []
        self.refusals = 0
        Thread(target=self.serve_forever, daemon=True).start()


class Conversation(StreamRequestHandler):
    """As much of SMTP as a client needs."""

    server: MailServer

    def handle(self) -> None:
        self.say("220 ready")
        while line := self.rfile.readline().strip().upper():
            if line.startswith(b"MAIL") and self.server.refusals:
                self.server.refusals -= 1
                self.say("451 try again later")
            elif line == b"DATA":
                self.say("354 go on")
                self.server.messages.append(self.read())
                self.say("250 taken")
            else:
                self.say("250 well")

    def say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())

    def read(self) -> EmailMessage:
        text = b"".join(iter(self.rfile.readline, b".\r\n"))
        return message_from_bytes(text, _class=EmailMessage, policy=policy.SMTP)


# Before the worker starts, which reads its settings then.
server = MailServer()
os.environ["TEST_EMAIL_URL"] = f"smtp://localhost:{server.server_address[1]}"


@pytest.fixture
def mail() -> MailServer:
    server.messages.clear()
    server.refusals = 0
    return server


@pytest.fixture(scope="session", autouse=True)
def no_uploads_of_an_earlier_run() -> Iterator[None]:
    yield
    shutil.rmtree(settings.MEDIA_ROOT, ignore_errors=True)


def picture(width: int = 60, height: int = 40, **options: object) -> bytes:
    """A JPEG, red on its left half and blue on its right."""
    image = Image.new("RGB", (width, height), "red")
    image.paste("blue", (width // 2, 0, width, height))
    file = BytesIO()
    image.save(file, "JPEG", **options)
    return file.getvalue()


Upload = Callable[..., Album]


@pytest.fixture
def upload(client: Client) -> Upload:
    """Uploads files, a good picture by default, and returns the album they are in."""

    def upload(*files: bytes) -> Album:
        named = [
            SimpleUploadedFile(f"{number}.jpg", file)
            for number, file in enumerate(files or [picture()])
        ]
        response = client.post("/", {"photographs": named})
        assert response.status_code == 302, response.content.decode()
        return Album.objects.latest("created_at")

    return upload


def ready_album(pages: int) -> Album:
    """An album with so many pages of photographs whose thumbnails are there."""
    album = Album.objects.create(title="ready")
    photographs = [
        Photograph(album=album, name="ready.jpg", state=State.DONE) for _ in range(pages * PER_PAGE)
    ]
    for photograph in photographs:
        photograph.thumbnail.save(f"{photograph.pk}.jpg", ContentFile(picture()), save=False)
    Photograph.objects.bulk_create(photographs)
    return album


def order(client: Client, album: Album, **answers: str) -> Sheet:
    """Orders a contact sheet as visitors do."""
    response = client.post(f"/albums/{album.pk}/sheet/", {"delay": "0"} | answers)
    assert response.status_code == 302
    return Sheet.objects.latest("created_at")


def wait_for_state(job: Job, state: State) -> None:
    """Returns when a job is in that state, with all that is known of it."""

    def arrived() -> bool:
        job.refresh_from_db()
        return job.state == state

    wait_until(arrived, what=f"{job} that is {state}")


def an_hour_passes() -> None:
    """All that visitors asked for so far, they asked for an hour ago."""
    for model in (Photograph, Sheet, Email):
        model.objects.update(created_at=timezone.now() - timedelta(hours=1))


class HalfDrawn:
    """A sheet of two pages: the storage does not send a picture of the second, until told to."""

    def __init__(self, client: Client) -> None:
        album = ready_album(pages=2)
        photograph = album.photographs.latest("created_at")
        self.last = Path(photograph.thumbnail.path)
        self.last.unlink()
        os.mkfifo(self.last)
        self.sheet = order(client, album)
        drawn = Sheet.objects.filter(pk=self.sheet.pk, pages_done=1)
        wait_until(drawn.exists, what="a first page")

    def go_on(self) -> None:
        """Sends the picture, if somebody still waits for it."""
        with suppress(OSError):
            pipe = os.open(self.last, os.O_WRONLY | os.O_NONBLOCK)
            os.write(pipe, picture())
            os.close(pipe)


@pytest.fixture
def half_drawn(client: Client, worker: Process) -> Iterator[HalfDrawn]:
    sheet = HalfDrawn(client)
    yield sheet
    sheet.go_on()

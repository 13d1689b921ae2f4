"""Pictures, slow files, and a mail server that refuses as many messages as a test needs."""

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
from celery.signals import before_task_publish
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from PIL import Image

from gallery.contact_sheet import PER_PAGE
from gallery.models import Album, Email, Job, Photograph, Sheet, State
from tests import Notes, Process, wait_until
from tests.tasks import wait_for


class MailServer(ThreadingTCPServer):
    """A server that keeps what it receives, but refuses the first `refusals` messages."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("localhost", 0), Conversation)
        self.messages: list[EmailMessage] = []
        self.refusals = 0
        self.answer = "451 try again later"
        Thread(target=self.serve_forever, daemon=True).start()


class Conversation(StreamRequestHandler):
    """The part of SMTP that a client needs."""

    server: MailServer

    def handle(self) -> None:
        self.say("220 ready")
        while line := self.rfile.readline().strip().upper():
            if line.startswith(b"RCPT") and self.server.refusals:
                self.server.refusals -= 1
                self.say(self.server.answer)
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


# Set this before the worker starts and reads its settings.
server = MailServer()
os.environ["TEST_EMAIL_URL"] = f"smtp://localhost:{server.server_address[1]}"


@pytest.fixture
def mail() -> MailServer:
    server.messages.clear()
    server.refusals, server.answer = 0, "451 try again later"
    return server


@pytest.fixture(scope="session", autouse=True)
def no_uploads_of_an_earlier_run() -> Iterator[None]:
    yield
    shutil.rmtree(settings.MEDIA_ROOT, ignore_errors=True)


def picture(width: int = 60, height: int = 40, **options: object) -> bytes:
    """Return a JPEG, red on its left half and blue on its right."""
    image = Image.new("RGB", (width, height), "red")
    image.paste("blue", (width // 2, 0, width, height))
    file = BytesIO()
    image.save(file, "JPEG", **options)
    return file.getvalue()


Upload = Callable[..., Album]


@pytest.fixture
def upload(client: Client) -> Upload:
    """Upload files, a good picture by default, and return their album."""

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
    """Return an album with that many pages of photographs, whose thumbnails are done."""
    album = Album.objects.create(title="ready")
    photographs = [
        Photograph(album=album, name="ready.jpg", state=State.DONE) for _ in range(pages * PER_PAGE)
    ]
    for photograph in photographs:
        photograph.thumbnail.save(f"{photograph.pk}.jpg", ContentFile(picture()), save=False)
    Photograph.objects.bulk_create(photographs)
    return album


def order(client: Client, album: Album, **answers: str) -> Sheet:
    """Order a contact sheet as visitors do."""
    response = client.post(f"/albums/{album.pk}/sheet/", answers)
    assert response.status_code == 302
    return Sheet.objects.latest("created_at")


def wait_for_state(job: Job, state: State) -> None:
    """Wait until the job is in that state, and reload it."""

    def arrived() -> bool:
        job.refresh_from_db()
        return job.state == state

    wait_until(arrived, what=f"{job} that is {state}")


def an_hour_passes() -> None:
    """Make all jobs an hour older."""
    for model in (Photograph, Sheet, Email):
        model.objects.update(changed_at=timezone.now() - timedelta(hours=1))


class Occupied:
    """A worker whose two processes are busy until a test frees them."""

    def __init__(self, folder: Path) -> None:
        self.notes = Notes(folder / "occupied")
        self.ends = [folder / "end 1", folder / "end 2"]
        for end in self.ends:
            wait_for.delay(self.notes.path, str(end))
        # Both run at the same time, so both processes are busy.
        self.notes.wait(2)

    def free(self, count: int = 2) -> None:
        """End `count` of the tasks, and wait until they have ended."""
        for end in self.ends[:count]:
            end.touch()
        del self.ends[:count]
        # Each task writes a line when it starts and when it ends.
        self.notes.wait(4 - len(self.ends))


@pytest.fixture
def occupy(worker: Process, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Occupied]:
    return lambda: Occupied(tmp_path_factory.mktemp("occupied"))


@pytest.fixture
def sent() -> Iterator[list[str]]:
    """Return a list that collects the names of the tasks that a test sends."""
    names: list[str] = []

    def note(sender: str, **kwargs: object) -> None:
        names.append(sender)

    before_task_publish.connect(note)
    yield names
    before_task_publish.disconnect(note)


class Pipe:
    """A file whose reader waits until the test sends the content."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        os.mkfifo(path)

    def is_read(self) -> bool:
        """Check for a reader, who then waits until the content is sent or the pipe is closed."""
        try:
            pipe = os.open(self.path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            return False
        self.pipe = os.fdopen(pipe, "wb", buffering=0)
        return True

    def wait_for_reader(self) -> None:
        wait_until(self.is_read, f"a reader of {self.path}")

    def send(self, content: bytes) -> None:
        """Send the content, unless the reader has given up."""
        with suppress(BrokenPipeError), self.pipe:
            self.pipe.write(content)


class SlowOriginal:
    """A photograph whose file does not arrive before the test calls `arrive`."""

    def __init__(self, album: Album, name: str = "slow.jpg") -> None:
        self.photograph = Photograph(album=album, name=name)
        self.photograph.file.name = f"gallery/originals/{self.photograph.pk}"
        self.pipe = Pipe(Path(self.photograph.file.path))
        self.photograph.save()

    def arrive(self) -> None:
        self.pipe.wait_for_reader()
        self.pipe.send(picture())


class HalfDrawn:
    """A sheet of two pages, the second of which waits for a file until `go_on`."""

    def __init__(self, client: Client) -> None:
        album = ready_album(pages=2)
        photograph = album.photographs.latest("created_at")
        last = Path(photograph.thumbnail.path)
        last.unlink()
        self.last = Pipe(last)
        self.sheet = order(client, album)
        # Its reader has drawn the first page.
        self.last.wait_for_reader()

    def go_on(self) -> None:
        self.last.send(picture())


@pytest.fixture
def half_drawn(client: Client, worker: Process) -> Iterator[HalfDrawn]:
    sheet = HalfDrawn(client)
    yield sheet
    # Release a reader that still waits.
    sheet.last.pipe.close()

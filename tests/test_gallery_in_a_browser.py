"""The demo in a real browser, with a real worker."""

import os
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, FilePayload, Locator, Page, expect

from tests.helpers.make import make
from tools.generate import generate
from tools.progress import STUCK_SECONDS, wait_until
from tools.services import serve
from tools.site import browser, pictures, site
from tools.trial.processes import python

# The tests share one project.
pytestmark = pytest.mark.xdist_group("browser")
# More than the page has tab stops.
TABS = 30
PER_PAGE = 20
LOOKS = [
    {"color_scheme": "light"},
    pytest.param({"color_scheme": "dark"}, marks=pytest.mark.exhaustive),
    pytest.param({"viewport": {"width": 320, "height": 640}}, marks=pytest.mark.exhaustive),
]
THUMBNAILS = """
    SELECT thumbnail FROM gallery_photograph JOIN gallery_album ON gallery_album.id = album_id
    WHERE visitor = '' AND state = 'done'
"""

expect.set_options(timeout=STUCK_SECONDS * 1000)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as started:
        yield started


@pytest.fixture(scope="module")
def project(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Install the default project and run its broker."""
    folder = tmp_path_factory.mktemp("browser")
    project = generate({}, folder)
    with serve(project, {}, folder):
        make(project, "install")
        yield project


@pytest.fixture(scope="module")
def address(project: Path) -> Iterator[str]:
    with site(project) as address:
        yield address


@pytest.fixture(scope="module")
def files(chromium: Browser) -> list[FilePayload]:
    """Return three photographs."""
    return [photograph(f"{n}.jpg", data) for n, data in enumerate(pictures(chromium, 3))]


def photograph(name: str, data: bytes) -> FilePayload:
    return {"name": name, "mimeType": "image/jpeg", "buffer": data}


@pytest.fixture
def options() -> dict[str, Any]:
    """Return options for the browser context, which tests override."""
    return {}


@pytest.fixture
def context(chromium: Browser, options: dict[str, Any]) -> Iterator[BrowserContext]:
    """Open a new browser context, and fail the test on console messages and errors."""
    context = chromium.new_context(**options)
    context.set_default_timeout(STUCK_SECONDS * 1000)
    complaints: list[str] = []
    context.on("console", lambda message: complaints.append(message.text))
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    yield context
    context.close()
    # An invalid form has status 400, which the browser logs.
    assert [text for text in complaints if "400 (Bad Request)" not in text] == []


@pytest.fixture
def page(context: BrowserContext, address: str) -> Page:
    page = context.new_page()
    page.goto(address)
    return page


def upload(page: Page, files: list[FilePayload]) -> None:
    page.get_by_label("Photographs").set_input_files(files)
    page.get_by_role("button", name="Upload").click()


class SlowStorage:
    """A storage that sends the thumbnails of an album of two pages only on request."""

    def __init__(self, project: Path, folder: Path, picture: bytes) -> None:
        self.picture = picture
        self.database = project / "db.sqlite3"
        folder.mkdir()
        for number in range(2 * PER_PAGE):
            (folder / f"{number}.jpg").write_bytes(picture)
        command = [python(project), "manage.py", "import_photographs", str(folder)]
        subprocess.run(command, cwd=project, check=True, capture_output=True)
        wait_until(
            lambda: self.thumbnails() >= 2 * PER_PAGE, "thumbnails are made", self.thumbnails
        )
        self.pipes = {project / "media" / name for (name,) in self.query(THUMBNAILS)}
        for pipe in self.pipes:
            pipe.unlink()
            os.mkfifo(pipe)

    def query(self, sql: str) -> list[tuple[str]]:
        with closing(sqlite3.connect(self.database, timeout=STUCK_SECONDS)) as database, database:
            return database.execute(sql).fetchall()

    def thumbnails(self) -> int:
        """Return the number of thumbnails."""
        return len(self.query(THUMBNAILS))

    def send(self, count: int) -> None:
        """Send this number of pictures as they are requested."""
        left = len(self.pipes) - count

        def sent() -> bool:
            for pipe in list(self.pipes):
                # The worker may already request the next one.
                if len(self.pipes) > left:
                    # Opening fails while nothing reads this pipe.
                    with suppress(OSError):
                        self.give(pipe, os.O_WRONLY)
            return len(self.pipes) <= left

        wait_until(sent, "the pictures are asked for", lambda: len(self.pipes))

    def give(self, pipe: Path, mode: int) -> None:
        """Send a picture to the waiting reader and to later ones."""
        waiting = os.open(pipe, mode | os.O_NONBLOCK)
        try:
            # Replace the pipe atomically, so that no new reader blocks or finds nothing.
            whole = pipe.with_suffix(".whole")
            whole.write_bytes(self.picture)
            whole.replace(pipe)
            self.pipes.remove(pipe)
            os.write(waiting, self.picture)
        finally:
            os.close(waiting)

    def close(self) -> None:
        """Send the remaining pictures and hide the album."""
        for pipe in list(self.pipes):
            # O_RDWR opens a pipe even without a reader.
            self.give(pipe, os.O_RDWR)
        self.query("UPDATE gallery_album SET visitor = 'nobody' WHERE visitor = ''")


@pytest.fixture
def storage(
    project: Path, page: Page, files: list[FilePayload], tmp_path: Path
) -> Iterator[SlowStorage]:
    picture = files[0]["buffer"]
    storage = SlowStorage(project, tmp_path / tmp_path.name, picture)
    # The browser gets the pictures immediately.
    page.route("**/photographs/*.jpg", lambda route: route.fulfill(body=picture))
    page.reload()
    yield storage
    storage.close()


def check_by_axe(page: Page) -> None:
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()


def tab_to(page: Page, name: str) -> None:
    """Move the focus to the element with this name. Fail the test if it is unreachable."""
    for _ in range(TABS):
        page.keyboard.press("Tab")
        focused = page.locator(":focus")
        # Chromium's own calendar button is not part of the page.
        if focused.count() and name in (
            focused.get_attribute("aria-label") or focused.inner_text()
        ):
            outline = focused.evaluate("element => getComputedStyle(element).outlineStyle")
            assert outline == "solid"
            return
    pytest.fail(f"{name!r} cannot be reached by keyboard.")


def test_the_footer_shows_the_broker_and_links(page: Page) -> None:
    footer = page.get_by_role("contentinfo")
    expect(footer).to_contain_text("1 worker is listening.")
    expect(footer).to_contain_text("Broker: Redis")
    expect(footer).to_contain_text("Results: Redis")
    flower = page.get_by_role("link", name="Flower")
    expect(flower).to_have_attribute("href", "http://localhost:5555")
    # Do not visit it: the browser logs an error for its missing icon.
    address = page.get_by_role("link", name="Admin").get_attribute("href")
    assert "Password" in page.request.get(urljoin(page.url, address)).text()


def test_photographs_turn_into_thumbnails_without_reloading(
    page: Page, files: list[FilePayload]
) -> None:
    expect(page.get_by_text("Nothing here yet.")).to_be_visible()
    upload(page, files)
    page.evaluate("window.still_the_same = true")
    expect(page.get_by_role("img")).to_have_count(3)
    tasks = page.get_by_role("region", name="Tasks of 0.jpg and 2 more")
    expect(tasks.get_by_text("done")).to_have_count(3)
    expect(tasks.get_by_role("row", name="make_thumbnail 0.jpg ● done")).to_be_visible()
    assert page.evaluate("window.still_the_same")
    for image in page.get_by_role("img").all():
        assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") == 320


@pytest.mark.exhaustive
def test_dropped_files_are_uploaded(page: Page, files: list[FilePayload]) -> None:
    dropped = page.evaluate_handle(
        """bytes => {
            const files = new DataTransfer();
            files.items.add(new File([new Uint8Array(bytes)], "dropped.jpg"));
            return files;
        }""",
        list(files[0]["buffer"]),
    )
    page.locator("#upload").dispatch_event("drop", {"dataTransfer": dropped})
    expect(page.get_by_role("img", name="dropped.jpg")).to_be_visible()


def test_the_bar_moves_and_the_sheet_can_be_downloaded(page: Page, storage: SlowStorage) -> None:
    album = page.get_by_role("article").first
    album.get_by_role("button", name="Make a contact sheet").click()
    bar = album.get_by_role("progressbar")
    expect(bar).to_have_attribute("max", "2")
    expect(bar).to_have_attribute("value", "0")
    typed = album.get_by_label("E-mail it to (optional)")
    typed.fill("ada@example.c")
    storage.send(PER_PAGE)
    expect(bar).to_have_attribute("value", "1")
    expect(typed).to_have_value("ada@example.c")
    expect(album.get_by_text("1 of 2 pages")).to_be_visible()
    storage.send(PER_PAGE)
    with page.expect_download() as download:
        album.get_by_role("link", name="Download the contact sheet").click()
    assert download.value.path().read_bytes().startswith(b"%PDF")


@pytest.mark.exhaustive
def test_a_sheet_is_cancelled_by_a_button(page: Page, storage: SlowStorage) -> None:
    album = page.get_by_role("article").first
    album.get_by_role("button", name="Make a contact sheet").click()
    album.get_by_role("button", name="Cancel the contact sheet").click()
    expect(album.get_by_text("Contact sheet: cancelled.")).to_be_visible()
    expect(album.get_by_role("progressbar")).to_have_count(0)


def test_a_file_that_is_not_a_picture_is_refused(page: Page) -> None:
    upload(page, [photograph("letter.jpg", b"Dear Sir or Madam")])
    expect(page.get_by_text("letter.jpg: It is not a valid JPEG, PNG, GIF or WebP")).to_be_visible()
    upload(page, [photograph("nothing.jpg", b"")])
    expect(page.get_by_text("nothing.jpg is empty.")).to_be_visible()


def test_too_many_files_are_refused_before_they_are_sent(page: Page) -> None:
    files = [photograph(f"{number}.jpg", b"x") for number in range(PER_PAGE + 1)]
    page.get_by_label("Photographs").set_input_files(files)
    problem = page.get_by_label("Photographs").evaluate("input => input.validationMessage")
    assert problem == "Choose 20 files at most."


@pytest.mark.exhaustive
def test_everything_works_by_keyboard(page: Page, files: list[FilePayload]) -> None:
    for _ in range(TABS):
        page.keyboard.press("Tab")
        if page.locator(":focus").get_attribute("type") == "file":
            break
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Space")
    chooser.value.set_files(files)
    tab_to(page, "Upload")
    page.keyboard.press("Enter")
    expect(page.get_by_role("img")).to_have_count(3)
    tab_to(page, "Make a contact sheet")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Download the contact sheet")).to_be_visible()
    tab_to(page, "Remove")
    page.keyboard.press("Enter")
    expect(page.get_by_role("img")).to_have_count(0)


@pytest.mark.exhaustive
@pytest.mark.parametrize("options", [{"viewport": {"width": 320, "height": 640}}])
def test_it_fits_a_phone(page: Page, files: list[FilePayload]) -> None:
    upload(page, [*files, photograph(f"{'x' * 100}.jpg", b"no picture")])
    expect(page.get_by_role("img")).to_have_count(3)
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width == 320


@pytest.mark.exhaustive
@pytest.mark.parametrize("options", [{"java_script_enabled": False}])
def test_it_works_without_scripts(page: Page, files: list[FilePayload]) -> None:
    upload(page, files)

    def reloaded(found: Locator) -> int:
        page.get_by_role("link", name="Reload").click()
        return found.count()

    pictures = partial(reloaded, page.get_by_role("img"))
    wait_until(lambda: pictures() == 3, "there are thumbnails", pictures)
    page.get_by_role("button", name="Make a contact sheet").click()
    sheets = partial(reloaded, page.get_by_role("link", name="Download the contact sheet"))
    wait_until(sheets, "there is a sheet", sheets)


@pytest.mark.parametrize("options", LOOKS, ids=str)
def test_axe_finds_no_violations(page: Page, files: list[FilePayload]) -> None:
    check_by_axe(page)
    upload(page, [*files, photograph("letter.jpg", b"Dear Sir or Madam")])
    expect(page.get_by_role("img")).to_have_count(3)
    page.get_by_role("button", name="Make a contact sheet").click()
    expect(page.get_by_role("link", name="Download the contact sheet")).to_be_visible()
    check_by_axe(page)
    upload(page, [photograph("nothing.jpg", b"")])
    expect(page.get_by_text("nothing.jpg is empty.")).to_be_visible()
    check_by_axe(page)


@pytest.mark.exhaustive
@pytest.mark.parametrize("options", LOOKS, ids=str)
def test_a_sheet_in_progress_is_accessible_and_can_be_cancelled_by_keyboard(
    page: Page, storage: SlowStorage
) -> None:
    album = page.get_by_role("article").first
    album.get_by_label("E-mail it to (optional)").fill("ada@example.com")
    album.get_by_role("button", name="Make a contact sheet").click()
    expect(album.get_by_role("progressbar")).to_have_attribute("max", "2")
    expect(album.get_by_text("E-mail: waiting for a worker.")).to_be_visible()
    check_by_axe(page)
    tab_to(page, "Cancel the contact sheet")
    page.keyboard.press("Enter")
    expect(album.get_by_text("Contact sheet: cancelled.")).to_be_visible()
    expect(album.get_by_text("E-mail: cancelled.")).to_be_visible()
    check_by_axe(page)

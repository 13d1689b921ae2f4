"""A project's site, as visitors see it in a browser."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tools.process import Process
from tools.servers import MissingServer
from tools.servers.server import HOST, free_port
from tools.trial.processes import Worker, python

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
# Run as any user, without a screen and without background requests.
OPTIONS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")


class Web(Process):
    """Django's own web server, as in development."""

    name = "web"
    ready = "Quit the server"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.port = free_port()

    def command(self) -> list[str]:
        address = f"{HOST}:{self.port}"
        return [python(self.folder), "-u", "manage.py", "runserver", "--noreload", address]


@contextmanager
def site(project: Path) -> Iterator[str]:
    """Run the web server and a worker of an installed project, and yield the site's address."""
    web = Web(project)
    with web, Worker(project):
        yield f"http://{HOST}:{web.port}"


@contextmanager
def browser() -> Iterator[Browser]:
    """Run the system's Chromium. Raises `MissingServer` if there is none."""
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if not program:
        raise MissingServer("Chromium is not installed: run `apt-get install chromium`.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=OPTIONS)
        try:
            yield browser
        finally:
            browser.close()


def pictures(browser: Browser, count: int, width: int = 320, height: int = 240) -> list[bytes]:
    """Return JPEGs in different colours."""
    page = browser.new_page(viewport={"width": width, "height": height})
    made = []
    for number in range(count):
        hue = 360 * number // count
        colours = f"hsl({hue} 70% 60%), hsl({hue + 60} 80% 30%)"
        page.set_content(f'<body style="background: radial-gradient(at 30% 20%, {colours})">')
        made.append(page.screenshot(type="jpeg"))
    page.close()
    return made

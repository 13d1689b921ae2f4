"""Takes the picture of the demo that README.md shows: docs/gallery.png."""

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, FilePayload, expect

from tools.generate import ROOT, generate
from tools.servers import SERVERS, MissingServer
from tools.services import point_at
from tools.site import browser, pictures, site
from tools.trial.processes import install, isolate

PICTURE = ROOT / "docs" / "gallery.png"
SIZE = (900, 640)
COUNT = 5
MILLISECONDS = 30_000


def main() -> int:
    """Make a project, upload some photographs to it, and take the picture."""
    with tempfile.TemporaryDirectory(prefix="screenshot-") as name:
        project = generate({}, Path(name))
        isolate(project)
        try:
            with SERVERS["redis"](Path(name) / "redis") as redis, browser() as chromium:
                point_at(project, [redis])
                install(project)
                with site(project) as address:
                    take(chromium, address)
        except MissingServer as missing:
            print(missing, file=sys.stderr)
            return 1
    print(PICTURE.relative_to(ROOT))
    return 0


def take(chromium: Browser, address: str) -> None:
    """Save what a visitor sees who uploaded photographs, and a file that is none."""
    page = chromium.new_page(viewport={"width": SIZE[0], "height": SIZE[1]})
    page.goto(address)
    buffers = [*pictures(chromium, COUNT), b"Dear Sir or Madam"]
    files: list[FilePayload] = [
        {"name": f"{number}.jpg", "mimeType": "image/jpeg", "buffer": buffer}
        for number, buffer in enumerate(buffers, start=1)
    ]
    page.get_by_label("Photographs").set_input_files(files)
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("img")).to_have_count(COUNT, timeout=MILLISECONDS)
    page.get_by_role("button", name="Make a contact sheet").click()
    sheet = page.get_by_role("link", name="Download the contact sheet")
    expect(sheet).to_be_visible(timeout=MILLISECONDS)
    PICTURE.parent.mkdir(exist_ok=True)
    page.screenshot(path=PICTURE, full_page=True)


if __name__ == "__main__":
    sys.exit(main())

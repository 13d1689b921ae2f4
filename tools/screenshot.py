"""Take the pictures of the demo that README.md shows: docs/gallery-light.png, and -dark.

The photographs are those of scikit-image's data, all in the public domain or CC0.
"""

import sqlite3
import sys
import tempfile
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, FilePayload, expect

from tools.generate import ROOT, generate
from tools.progress import STUCK_SECONDS
from tools.servers import MissingServer
from tools.services import serve
from tools.site import browser, site
from tools.trial.processes import install, isolate

DOCS = ROOT / "docs"
SIZE = (900, 640)
PHOTOGRAPHS = ["chelsea.png", "coffee.png", "rocket.jpg", "hubble_deep_field.jpg", "astronaut.png"]
SCHEMES: list[Literal["light", "dark"]] = ["light", "dark"]
UNDER_WAY = """
    UPDATE gallery_sheet SET state = 'working', pages = 5, pages_done = 3
    WHERE created_at = (SELECT max(created_at) FROM gallery_sheet)
"""


def main() -> int:
    """Make a project, upload some photographs to it, and take the picture."""
    with tempfile.TemporaryDirectory(prefix="screenshot-") as name:
        project = generate({}, Path(name))
        isolate(project)
        try:
            with browser() as chromium, serve(project, {}, Path(name)):
                install(project)
                with site(project) as address:
                    take(chromium, address, project)
        except MissingServer as missing:
            print(missing, file=sys.stderr)
            return 1
    print("docs/gallery-light.png", "docs/gallery-dark.png")
    return 0


def take(chromium: Browser, address: str, project: Path) -> None:
    """Take the picture of an album with photographs, and with a file that is not one.

    One contact sheet is done. The next one is in progress, as if it had more pages.
    """
    expect.set_options(timeout=STUCK_SECONDS * 1000)
    page = chromium.new_page(viewport={"width": SIZE[0], "height": SIZE[1]})
    page.goto(address)
    files = [*photographs(), payload("letter.jpg", b"Dear Sir or Madam")]
    page.get_by_label("Photographs").set_input_files(files)
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("img")).to_have_count(len(PHOTOGRAPHS))
    sheets = page.get_by_role("link", name="Download the contact sheet")
    for number in (1, 2):
        page.get_by_role("button", name="Make a contact sheet").click()
        expect(sheets).to_have_count(number)
    with closing(sqlite3.connect(project / "db.sqlite3")) as database, database:
        database.execute(UNDER_WAY)
    page.reload()
    expect(page.get_by_role("progressbar")).to_be_visible()
    expect(page.get_by_text("worker is listening")).to_be_visible()
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        page.screenshot(path=DOCS / f"gallery-{scheme}.png", full_page=True)


def photographs() -> list[FilePayload]:
    spec = find_spec("skimage")
    if not (spec and spec.origin):
        raise RuntimeError("scikit-image is not installed: run `make screenshot`.")
    data = Path(spec.origin).parent / "data"
    return [payload(name, (data / name).read_bytes()) for name in PHOTOGRAPHS]


def payload(name: str, content: bytes) -> FilePayload:
    return {"name": name, "mimeType": "image/jpeg", "buffer": content}


if __name__ == "__main__":
    sys.exit(main())

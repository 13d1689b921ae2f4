"""A folder of many is imported in pieces."""

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from gallery.models import Photograph, State
from tests.conftest import Process, wait_until
from tests.gallery.conftest import picture

pytestmark = pytest.mark.django_db(transaction=True)
COUNT = 500


def test_hundreds_of_photographs_take_few_tasks(
    client: Client, tmp_path: Path, worker: Process
) -> None:
    folder = tmp_path / "holidays"
    folder.mkdir()
    for number in range(COUNT):
        (folder / f"{number}.jpg").write_bytes(picture(8, 8))
    (folder / "0.jpg").write_text("This is a text.")
    before = worker.log.read_text().count("make_thumbnails")
    call_command("import_photographs", folder, stdout=StringIO())
    done = Photograph.objects.filter(state=State.DONE)
    wait_until(lambda: done.count() == COUNT - 1, what="all thumbnails")
    # Two lines in the log for each task: received, and done.
    assert worker.log.read_text().count("make_thumbnails") - before <= 2 * COUNT / 100 * 2
    page = client.get("/").content.decode()
    assert "holidays" in page
    assert f"{COUNT} photographs" in page
    assert "1 could not be read" in page


def test_what_is_no_folder_is_refused_in_words() -> None:
    with pytest.raises(CommandError, match="nowhere is no folder: give one"):
        call_command("import_photographs", "nowhere")

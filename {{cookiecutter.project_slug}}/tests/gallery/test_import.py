"""A large folder is imported in batches."""

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from gallery.models import Album, Photograph, State
from tests import Process, is_idle, wait_until
from tests.gallery.conftest import picture

pytestmark = pytest.mark.django_db(transaction=True)
COUNT = 200


def test_hundreds_of_photographs_take_few_tasks(
    client: Client, tmp_path: Path, worker: Process
) -> None:
    folder = tmp_path / "holidays"
    folder.mkdir()
    for number in range(COUNT):
        (folder / f"{number}.jpg").write_bytes(picture(8, 8))
    (folder / "0.jpg").write_text("This is a text.")
    # This also counts make_thumbnails.
    before = worker.log.read_text().count("gallery.tasks.make_thumbnail")
    call_command("import_photographs", folder, stdout=StringIO())
    done = Photograph.objects.filter(state=State.DONE)
    wait_until(lambda: done.count() == COUNT - 1, what="all thumbnails")
    # A task logs its line when it ends, which is after its last write to the database.
    wait_until(is_idle, "the end of the tasks")
    lines = worker.log.read_text().count("gallery.tasks.make_thumbnail") - before
    assert 0 < lines <= 2 * COUNT / 100
    page = client.get("/").content.decode()
    assert "holidays" in page
    assert f"{COUNT} photographs" in page
    assert "1 could not be read" in page


def test_a_missing_or_empty_folder_is_refused_with_a_reason(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="nowhere is not a folder"):
        call_command("import_photographs", "nowhere")
    with pytest.raises(CommandError, match="has no files"):
        call_command("import_photographs", tmp_path)
    assert not Album.objects.exists()

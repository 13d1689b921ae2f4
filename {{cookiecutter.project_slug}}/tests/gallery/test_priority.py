"""What a visitor uploads passes what is imported."""

from pathlib import Path

import pytest
from django.core.files.base import ContentFile

from gallery.models import Album, Photograph, State
from gallery.orders import photographs_imported
from tests.conftest import Notes, wait_until
from tests.gallery.conftest import Upload, picture
from tests.tasks import wait_for

pytestmark = [pytest.mark.usefixtures("worker"), pytest.mark.django_db(transaction=True)]


def test_an_upload_passes_an_import(notes: Notes, tmp_path: Path, upload: Upload) -> None:
    for process in "12":
        wait_for.delay(notes.path, str(tmp_path / process))
    notes.wait(2)
    imported = Album.objects.create(title="imported").photographs.create(
        file=ContentFile(picture(), "imported")
    )
    photographs_imported([imported.pk])
    uploaded = upload().photographs.get()
    (tmp_path / "1").touch()
    wait_until(Photograph.objects.filter(pk=imported.pk, state=State.DONE).exists)
    (tmp_path / "2").touch()
    sizes = {p.pk: Path(p.thumbnail.path).stat().st_mtime_ns for p in Photograph.objects.all()}
    assert sizes[uploaded.pk] < sizes[imported.pk]

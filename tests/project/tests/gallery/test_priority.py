"""Uploads have priority over imports."""

from collections.abc import Callable

import pytest
from django.core.files.base import ContentFile

from gallery.models import Album, Photograph, State
from gallery.workflows import enqueue_import
from tests import wait_until
from tests.gallery.conftest import Occupied, Upload, picture

pytestmark = [pytest.mark.usefixtures("worker"), pytest.mark.django_db(transaction=True)]


def test_an_upload_passes_an_import(occupy: Callable[[], Occupied], upload: Upload) -> None:
    occupied = occupy()
    imported = Album.objects.create(title="imported").photographs.create(
        file=ContentFile(picture(), "imported")
    )
    enqueue_import([imported.pk])
    uploaded = upload().photographs.get()
    occupied.free(1)
    wait_until(Photograph.objects.filter(pk=imported.pk, state=State.DONE).exists)
    occupied.free()
    assert list(Photograph.objects.order_by("started_at")) == [uploaded, imported]

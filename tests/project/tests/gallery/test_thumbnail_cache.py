"""Each worker deletes its cached copies of removed thumbnails."""

from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from gallery.models import Photograph, State
from gallery.thumbnail_cache import cached_thumbnail
from tests import Process, wait_until
from tests.gallery.conftest import order, ready_album, wait_for_state
from tests.workers import StartWorker

pytestmark = [pytest.mark.usefixtures("worker"), pytest.mark.django_db(transaction=True)]


def copies(worker: Process) -> list[Path]:
    return list(worker.log.parent.glob(f"{settings.QUEUE_PREFIX}-*/*.jpg"))


def test_a_folder_of_another_user_is_not_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("gallery.thumbnail_cache.folder", lambda: tmp_path)
    monkeypatch.setattr("os.getuid", lambda: tmp_path.stat().st_uid + 1)
    with pytest.raises(PermissionError, match="belongs to another user"):
        cached_thumbnail(Photograph())


def test_every_worker_deletes_its_copies_of_a_removed_album(
    client: Client, worker: Process, start_worker: StartWorker
) -> None:
    other = start_worker("other")
    album = ready_album(pages=1)

    def both_have_copies() -> bool:
        wait_for_state(order(client, album), State.DONE)
        return bool(copies(worker) and copies(other))

    wait_until(both_have_copies)
    album.delete()
    wait_until(lambda: not copies(worker) and not copies(other), what="no copies")

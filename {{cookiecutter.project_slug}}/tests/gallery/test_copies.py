"""Each worker forgets its copies of what was removed."""

from pathlib import Path
from tempfile import gettempdir

import pytest
from django.conf import settings
from django.test import Client

from gallery.models import State
from tests.conftest import StartWorker, wait_until
from tests.gallery.conftest import order, ready_album, wait_for_state

pytestmark = [pytest.mark.usefixtures("worker"), pytest.mark.django_db(transaction=True)]


def copies(worker: str) -> list[Path]:
    return list(Path(gettempdir()).glob(f"{settings.QUEUE_PREFIX}-{worker}@*/*.jpg"))


def test_copies_of_an_album_that_is_removed_are_gone_from_every_worker(
    client: Client, start_worker: StartWorker
) -> None:
    start_worker("other")
    album = ready_album(pages=1)

    def both_have_copies() -> bool:
        wait_for_state(order(client, album), State.DONE)
        return bool(copies("one") and copies("other"))

    wait_until(both_have_copies)
    album.delete()
    wait_until(lambda: not copies("one") and not copies("other"), what="no copies")

"""A sheet that is cancelled stops at once, also in the middle of a page."""

from pathlib import Path

import pytest
from django.test import Client

from tests.conftest import Notes
from tests.gallery.conftest import HalfDrawn
from tests.tasks import wait_for

pytestmark = pytest.mark.django_db(transaction=True)


def test_both_processes_of_the_worker_are_free_again(
    client: Client, half_drawn: HalfDrawn, notes: Notes, tmp_path: Path
) -> None:
    client.post(f"/sheets/{half_drawn.sheet.pk}/cancel/")
    for _ in range(2):
        wait_for.delay(notes.path, str(tmp_path / "end"))
    notes.wait(2)
    (tmp_path / "end").touch()
    notes.wait(4)

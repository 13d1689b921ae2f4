"""Cancelling a sheet stops its task immediately, even in the middle of a page."""

from collections.abc import Callable

import pytest
from django.test import Client

from config import celery_app
from gallery.models import Sheet
from tests.gallery.conftest import HalfDrawn, Occupied, ready_album

pytestmark = pytest.mark.django_db(transaction=True)


def test_both_processes_of_the_worker_are_free_again(
    client: Client, half_drawn: HalfDrawn, occupy: Callable[[], Occupied]
) -> None:
    client.post(f"/sheets/{half_drawn.sheet.pk}/cancel/")
    occupy().free()


def test_a_waiting_sheet_has_no_task_to_stop(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    revoked: list[str] = []
    monkeypatch.setattr(
        celery_app.control, "revoke", lambda task_id, **options: revoked.append(task_id)
    )
    for task_id in ("", "at work"):
        sheet = Sheet.objects.create(album=ready_album(pages=1), task_id=task_id)
        client.post(f"/sheets/{sheet.pk}/cancel/")
    assert revoked == ["at work"]

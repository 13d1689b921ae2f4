"""Sheets go by topic to the queue of what would hold the others up."""

import pytest
from django.test import Client

from gallery.models import Sheet
from tests.conftest import StartWorker, wait_until
from tests.gallery.conftest import order, ready_album

pytestmark = [pytest.mark.usefixtures("worker"), pytest.mark.django_db(transaction=True)]


def test_a_worker_of_slow_work_draws_sheets(client: Client, start_worker: StartWorker) -> None:
    slow = start_worker("slow", "--queues", "slow")
    album = ready_album(pages=1)

    def slow_draws_one() -> bool:
        sheet = order(client, album)
        wait_until(lambda: Sheet.objects.get(pk=sheet.pk).state == "done")
        return "gallery.tasks.make_sheet" in slow.log.read_text()

    wait_until(slow_draws_one)

"""Sheets are routed to the queue for slow tasks."""

import pytest
from django.test import Client

from gallery.models import State
from tests import wait_until
from tests.gallery.conftest import order, ready_album, wait_for_state
from tests.workers import StartWorker

pytestmark = [pytest.mark.usefixtures("worker"), pytest.mark.django_db(transaction=True)]


def test_a_worker_on_the_slow_queue_draws_sheets(client: Client, start_worker: StartWorker) -> None:
    slow = start_worker("slow", "--queues", "slow")
    album = ready_album(pages=1)

    def slow_draws_one() -> bool:
        wait_for_state(order(client, album), State.DONE)
        return "gallery.tasks.make_sheet" in slow.log.read_text()

    wait_until(slow_draws_one)

"""Sheets go by topic to the queue of what would hold the others up, and to whoever listens."""

import pytest
from django.test import Client
from kombu import Queue

from config import celery_app
from gallery.models import State
from gallery.tests.conftest import order, ready_album, wait_for_state
from tests.fixtures import StartWorker, wait_until

pytestmark = [pytest.mark.usefixtures("worker"), pytest.mark.django_db(transaction=True)]


def test_a_worker_of_slow_work_draws_sheets(client: Client, start_worker: StartWorker) -> None:
    slow = start_worker("slow", "--queues", "slow")
    album = ready_album(pages=1)

    def slow_draws_one() -> bool:
        wait_for_state(order(client, album), State.DONE)
        return "gallery.tasks.make_sheet" in slow.log.read_text()

    wait_until(slow_draws_one)


def test_another_queue_for_the_topic_gets_a_copy(client: Client) -> None:
    slow = celery_app.amqp.queues["slow"]
    topic = slow.routing_key.replace("#", "sheets")
    name = f"{celery_app.conf.task_default_queue}-listener"
    with celery_app.connection_for_write() as broker:
        listener = Queue(name, slow.exchange, routing_key=topic)(broker.default_channel)
        listener.declare()

        def listener_hears_of_one() -> bool:
            order(client, ready_album(pages=1))
            return bool(listener.get(no_ack=True))

        try:
            wait_until(listener_hears_of_one)
        finally:
            listener.delete()

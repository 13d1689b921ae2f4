"""Sheets are routed by topic, so other queues can bind to it."""

import pytest
from django.test import Client
from kombu import Queue

from config import celery_app
from tests import wait_until
from tests.gallery.conftest import order, ready_album

pytestmark = [pytest.mark.usefixtures("worker"), pytest.mark.django_db(transaction=True)]


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

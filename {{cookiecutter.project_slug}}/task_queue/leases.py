"""Renew the leases on a worker's tasks: they run elsewhere soon after it dies, and not before."""

import logging
from datetime import UTC, datetime
from threading import Thread
from time import sleep
from typing import Any

from celery.signals import worker_ready
from celery.worker.state import active_requests
from django.conf import settings
from kombu import Message

logger = logging.getLogger(__name__)


@worker_ready.connect
def start_renewing(sender: Any, **kwargs: Any) -> None:
    """Renew leases in a thread: Celery's event loop stands still during a soft shutdown."""
    Thread(target=renew_leases, args=(sender,), name="leases", daemon=True).start()


def renew_leases(consumer: Any) -> None:
    """Renew the leases of a worker's messages, for as long as the worker lives."""
    # Imported here, because `broker.py` imports this module.
    from task_queue.broker import renew

    while True:
        try:
            with consumer.app.connection_for_write() as connection:
                channel = connection.channel()
                while True:
                    renew(channel, unacknowledged(consumer))
                    sleep(settings.TASK_LEASE / 6)
        except Exception as error:
            logger.warning("Could not renew the leases of this worker's tasks: %r", error)
            sleep(min(5, settings.TASK_LEASE / 6))


def unacknowledged(consumer: Any) -> list[Message]:
    """Return the messages that a worker has received and not acknowledged."""
    qos = consumer.task_consumer.channel.qos
    # kombu removes acknowledged and requeued messages only when the next one arrives.
    held = [message for tag, message in tuple(qos._delivered.items()) if tag not in qos._dirty]
    # Tasks that outlived their connection, in pools that cannot stop them: copied in one step.
    requests = [request() for request in tuple(active_requests.data)]  # type: ignore[attr-defined]
    held += [request.message for request in requests if request and not request.acknowledged]
    return list({message.delivery_tag: message for message in held}.values())


def seconds_until_due(message: dict[str, Any]) -> float:
    """Return the seconds until a message is due; 0 if it is due now, or is not Celery's."""
    try:
        due = datetime.fromisoformat(message["headers"]["eta"])
    except (KeyError, TypeError, ValueError):
        return 0
    # Celery reads a time without a zone as UTC.
    due = due if due.tzinfo else due.replace(tzinfo=UTC)
    return max(0, (due - datetime.now(UTC)).total_seconds())

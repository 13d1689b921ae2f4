"""Leaves nothing of the benchmark on the servers."""

from collections.abc import Callable

from django.conf import settings
from kombu import Exchange

from config import celery_app

cleanups: list[Callable[[], None]] = []


def cleanup(function: Callable[[], None]) -> Callable[[], None]:
    """Has a function called in the end, however the benchmark ended."""
    cleanups.append(function)
    return function


@cleanup
def remove_queues() -> None:
    """Removes the queues of this benchmark, and what leads to them."""
    queues = celery_app.amqp.queues.values()
    control = f"{celery_app.conf.control_exchange}.pidbox"
    exchanges = {control, f"reply.{control}", celery_app.conf.event_exchange}
    exchanges |= {queue.exchange.name for queue in queues}
    with celery_app.connection_for_write() as connection, connection.channel() as channel:
        for queue in queues:
            if queue.auto_delete:
                continue
            bound = queue.bind(channel)
            # One that was never used is not there.
            bound.declare()
            bound.delete()
        for exchange in exchanges:
            if settings.QUEUE_PREFIX in exchange:
                Exchange(exchange).bind(channel).delete()

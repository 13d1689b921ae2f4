"""Delete everything that the benchmark left on the servers."""

from config import celery_app
from django.conf import settings
from kombu import Exchange


def teardown() -> None:
    delete_queues()
    redis_teardown()


def delete_queues() -> None:
    """Delete the queues and exchanges of this benchmark."""
    queues = celery_app.amqp.queues.values()
    control = f"{celery_app.conf.control_exchange}.pidbox"
    exchanges = {control, f"reply.{control}", celery_app.conf.event_exchange}
    exchanges |= {queue.exchange.name for queue in queues}
    with celery_app.connection_for_write() as connection, connection.channel() as channel:
        for queue in queues:
            if queue.auto_delete:
                continue
            bound = queue.bind(channel)
            # A queue that was never used does not exist yet.
            bound.declare()
            bound.delete()
        for exchange in exchanges:
            if settings.QUEUE_PREFIX in exchange:
                Exchange(exchange).bind(channel).delete()


def redis_teardown() -> None:
    """Delete the keys that have the benchmark's prefix: queues, results, tasks of dead workers."""
    for url in (celery_app.conf.broker_url, celery_app.conf.result_backend):
        if not str(url).startswith("redis"):
            continue
        import redis

        with redis.Redis.from_url(url) as client:
            for key in client.scan_iter(f"{settings.QUEUE_PREFIX}:*", count=1000):
                client.delete(key)

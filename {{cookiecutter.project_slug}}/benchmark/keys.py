"""Leaves no key of the benchmark in Redis."""

import redis
from django.conf import settings

from benchmark.cleaning import cleanup
from config import celery_app


@cleanup
def remove_keys() -> None:
    """Removes what has the benchmark's prefix: queues, results, tasks of dead workers."""
    for url in (celery_app.conf.broker_url, celery_app.conf.result_backend):
        if not str(url).startswith("redis"):
            continue
        with redis.Redis.from_url(url) as client:
            for key in client.scan_iter(f"{settings.QUEUE_PREFIX}:*", count=1000):
                client.delete(key)

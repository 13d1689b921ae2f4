"""Flower's settings. Flower finds this file by its name."""

from collections.abc import Iterator
from logging import getLogger

import django
from prometheus_client import REGISTRY, Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from tornado.options import options

from config.env import env, refuse
from task_queue.health import within

# Load Django first: in development, its settings read the password from `.env`.
django.setup()
basic_auth = env.list("FLOWER_BASIC_AUTH", default=[])

# Without a name and a password, anyone could use Flower.
if not options.auth and not all(all(login.partition(":")) for login in basic_auth or [""]):
    refuse("FLOWER_BASIC_AUTH is missing, or not name:password (example: admin:RANDOM).")

# Seconds after which a silent worker counts as offline: a crashed one does not sign off.
purge_offline_workers = 30
# How long tasks run, in seconds, up to the time limit.
task_runtime_metric_buckets = [0.01, 0.1, 1.0, 5.0, 10.0, 30.0, 60.0, 120.0, 240.0, 300.0, 360.0]


def broker_metrics() -> list[Metric]:
    from task_queue.doctor import count_waiting

    length = GaugeMetricFamily("celery_queue_length", "Waiting tasks", labels=["queue"])
    for queue, count in count_waiting().items():
        length.add_metric([queue], count)
    return [length]


def database_metrics() -> list[Metric]:
    from task_queue.doctor import PREFIX
    from task_queue.models import DeadLetter, Heartbeat

    count = DeadLetter.objects.filter(quarantined=True).count()
    last = GaugeMetricFamily("celery_heartbeat_timestamp_seconds", "Last run", labels=["name"])
    for heartbeat in Heartbeat.objects.exclude(name__startswith=PREFIX):
        last.add_metric([heartbeat.name], heartbeat.at.timestamp())
    return [GaugeMetricFamily("celery_dead_letters", "Tasks that could not run", count), last]


class Metrics(Collector):
    """Export metrics that Flower does not have, and skip those of a server that is down."""

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        for metrics in (broker_metrics, database_metrics):
            try:
                # Flower's pages wait for it.
                yield from within(1, metrics)
            except Exception:
                getLogger(__name__).warning("%s: no answer.", metrics.__name__, exc_info=True)


REGISTRY.register(Metrics())

# {% import "schedulers/" ~ cookiecutter.scheduler ~ ".jinja" as scheduler with context %}
"""Flower's settings. It finds this file by its name."""

import threading
import time
from collections.abc import Iterator
from logging import getLogger

import django
from django.db import close_old_connections
from prometheus_client import REGISTRY, Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from tornado.options import options

from config.env import env, refuse

# Flower asks for the password before it loads Django, which reads `.env` in development.
django.setup()
basic_auth = env.list("FLOWER_BASIC_AUTH", default=[])

# Without a name and a password, Flower would let everybody in.
if not options.auth and not all(all(login.partition(":")) for login in basic_auth or [""]):
    refuse(
        "FLOWER_BASIC_AUTH is not set. Set it in the environment, such as"
        " FLOWER_BASIC_AUTH=admin:password"
    )

# A worker that was silent for so many seconds counts no more: one that crashed says no goodbye.
purge_offline_workers = 30
# How long tasks run, in seconds, up to the time limit.
task_runtime_metric_buckets = [0.01, 0.1, 1.0, 5.0, 10.0, 30.0, 60.0, 120.0, 240.0, 300.0, 360.0]

logger = getLogger(__name__)


def queues() -> Metric:
    from health.wiring import waiting

    length = GaugeMetricFamily("celery_queue_length", "Tasks that wait", labels=["queue"])
    for queue, count in waiting().items():
        length.add_metric([queue], count)
    return length


def set_aside() -> Metric:
    from interruptions.models import InterruptedTask

    count = InterruptedTask.objects.filter(set_aside=True).count()
    return GaugeMetricFamily("celery_tasks_set_aside", "Tasks that are set aside", count)


# {% if scheduler.beat %}
def last_tick() -> Metric:
    from heartbeat.models import Heartbeat

    ticked = GaugeMetricFamily("celery_beat_last_tick_timestamp_seconds", "When beat last ticked")
    for heartbeat in Heartbeat.objects.all():
        ticked.add_metric([], heartbeat.at.timestamp())
    return ticked


# {% endif %}
class Numbers(Collector):
    """Tells Prometheus what Flower alone does not know.

    A thread asks for it: Flower goes on while a server does not answer. What cannot be had is left
    out, which says so.
    """

    SECONDS = 10

    def __init__(self) -> None:
        self.found: list[Metric] = []
        self.at = 0.0
        threading.Thread(target=self.ask, daemon=True).start()

    def ask(self) -> None:
        while True:
            found = []
            close_old_connections()
            for number in ({{ "queues, set_aside, last_tick" if scheduler.beat else "queues, set_aside" }}):
                try:
                    found.append(number())
                except Exception:
                    logger.warning("A server does not answer.", exc_info=True)
            self.found, self.at = found, time.monotonic()
            time.sleep(self.SECONDS)

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        # A server that went without a word may hold the thread up.
        if time.monotonic() - self.at < 60:
            yield from self.found


REGISTRY.register(Numbers())

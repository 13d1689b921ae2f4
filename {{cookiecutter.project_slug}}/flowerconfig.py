"""Flower's settings. It finds this file by its name."""

from collections.abc import Iterator

import django
from kombu.exceptions import OperationalError
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


class Queues(Collector):
    """Tells Prometheus how many tasks wait, which Flower alone does not know."""

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        from health.wiring import waiting

        length = GaugeMetricFamily("celery_queue_length", "Tasks that wait", labels=["queue"])
        try:
            for queue, count in waiting().items():
                length.add_metric([queue], count)
        except OperationalError:
            return  # Its absence says that the broker is away.
        yield length


REGISTRY.register(Queues())

"""Production, with as many queues as QUEUES says, which tasks go to in turn."""

import itertools

from config.env import env
from config.settings.production import *
from kombu import Queue

NAMES = [f"queue{number}" for number in range(env.int("QUEUES"))]
# Copies of the default queue, whichever broker has it.
default = CELERY_TASK_QUEUES[0]
CELERY_TASK_QUEUES = CELERY_TASK_QUEUES + [
    Queue(
        f"{default.name}_{name}",
        default.exchange,
        routing_key=f"{default.routing_key}_{name}",
        queue_arguments=default.queue_arguments,
        alias=name,
    )
    for name in NAMES
]
turns = itertools.cycle(NAMES)


def route(name, args, kwargs, options, task=None, **others):
    return {"queue": next(turns)} if name == "task_benchmark.tasks.noop" else None


CELERY_TASK_ROUTES = [route]

"""The Celery app of a project, with a task that runs twice a second."""

import os

from config.celery import app

app.conf.beat_schedule["tick"] = {
    "task": "tests.tasks.record",
    "schedule": 0.5,
    "args": ["tick", os.environ["TICKS"]],
}

"""The Celery app with a schedule for the tests: `celery -A tests.beat beat`."""

import os

from config.celery import app

app.conf.beat_schedule = {
    "tick": {
        "task": "tests.tasks.record",
        "schedule": 0.5,
        "args": ["tick", os.environ["TICKS"]],
    },
    # Too late for the tests: they see the one that beat sends when it starts.
    "heartbeat": app.conf.beat_schedule["heartbeat"] | {"schedule": 3600},
}

"""The Celery app with rate limits, which are off in tests: `celery -A tests.limits worker`."""

from config.celery import app

app.conf.task_annotations = {}

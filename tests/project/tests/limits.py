"""The Celery app with rate limits, which tests do without: `celery -A tests.limits worker`."""

from config.celery import app

app.conf.task_annotations = {}

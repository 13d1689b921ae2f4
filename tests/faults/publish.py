"""Publish messages that Celery would never send, from a file with one JSON object per line."""

# mypy: disable-error-code=import-not-found
# ruff: noqa: E402

import json
import sys
from pathlib import Path

import config  # noqa: F401 - sets DJANGO_SETTINGS_MODULE
import django

django.setup()

from celery import current_app

queue = current_app.amqp.queues["default"]
with current_app.producer_or_acquire() as producer:
    for line in Path(sys.argv[1]).read_text().splitlines():
        message = json.loads(line)
        body = message.pop("body").encode()
        route = {"exchange": queue.exchange, "routing_key": queue.routing_key, "declare": [queue]}
        producer.publish(body, **message, **route)

"""The Celery app whose workers soon stop telling of tasks: `celery -A tests.events worker`."""

from config import events
from config.celery import app

__all__ = ["app"]

events.SECONDS = 2

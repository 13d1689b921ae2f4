# {% import "brokers/" ~ cookiecutter.broker ~ ".jinja" as broker with context %}
"""The Celery app: `celery -A config worker`."""

import gc
import logging.config
import os
from typing import Any

from celery.signals import celeryd_after_setup, setup_logging, task_postrun, task_prerun
from django.conf import settings
from django.db import close_old_connections
from django_structlog.celery.receivers import CeleryReceiver

from config.alive import Alive
# {% if broker.delays_by_the_second %}
from config.delays import Celery
# {% else %}
from config.visibility import Celery
# {% endif %}

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.local")

app = Celery("config", amqp="config.messages:SmallMessages", task_cls="config.tasks:Task")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.steps["consumer"].add(Alive)

# A task's message carries the id of the request that sent it, and the lines of the task show it.
lines = CeleryReceiver()
lines.connect_worker_signals()

# Django's rule for connections to the database, which tasks follow as requests do.
task_prerun.connect(close_old_connections)
task_postrun.connect(close_old_connections)


@setup_logging.connect
def log_as_django_does(**kwargs: Any) -> None:
    logging.config.dictConfig(settings.LOGGING)


@celeryd_after_setup.connect
def share_memory(**kwargs: Any) -> None:
    """Else each process of the pool copies what is loaded, as it looks for garbage in it."""
    gc.freeze()

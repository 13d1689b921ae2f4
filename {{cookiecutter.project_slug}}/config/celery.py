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

# Values that a message carries as they are.
PLAIN = str | int | float | None


class Lines(CeleryReceiver):
    """Log lines of tasks, with the id of the request that sent them, which messages carry."""

    def get_task_context(self) -> dict[str, Any]:
        # Not every broker's headers hold a UUID, and none a model.
        context = super().get_task_context().items()
        return {name: value if isinstance(value, PLAIN) else str(value) for name, value in context}

    def receiver_task_prerun(self, task_id: str, task: Any, *args: Any, **kwargs: Any) -> None:
        # What `apply()` runs is part of its caller, whose lines keep their own ids.
        if not task.request.is_eager:
            super().receiver_task_prerun(task_id, task, *args, **kwargs)


lines = Lines()
lines.connect_worker_signals()


@task_prerun.connect
@task_postrun.connect
def close_connections(task: Any, **kwargs: Any) -> None:
    """Keep Django's rule for connections to the database before and after tasks, as requests do."""
    # What `apply()` runs may be part of its caller's transaction.
    if not task.request.is_eager:
        close_old_connections()


@setup_logging.connect
def log_as_django_does(**kwargs: Any) -> None:
    logging.config.dictConfig(settings.LOGGING)


@celeryd_after_setup.connect
def share_memory(**kwargs: Any) -> None:
    """Else each process of the pool copies what is loaded, as it looks for garbage in it."""
    gc.freeze()

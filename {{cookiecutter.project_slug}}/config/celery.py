# {% from "project.jinja" import broker with context %}
"""The Celery app: `celery -A config worker`."""

import os

from {{ broker.app_module }} import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.local")

app = Celery("config", task_cls="task_queue.base:Task")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

# {% from "project.jinja" import observability with context %}
"""Connects the package to Django and Celery."""

from django.apps import AppConfig


class TaskQueueConfig(AppConfig):
    name = "task_queue"

    def ready(self) -> None:
        from task_queue import checks, logging  # noqa: F401
        # {% if observability.ready() %}
{{ observability.ready() }}
        # {% endif %}

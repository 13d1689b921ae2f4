# {% from "project.jinja" import observability, result with context %}
"""Connects the package to Django and Celery."""

from django.apps import AppConfig


class TaskQueueConfig(AppConfig):
    name = "task_queue"

    def ready(self) -> None:
        from task_queue import checks, logging{{ ", results" if result.module }}  # noqa: F401
        # {% if observability.ready() %}
{{ observability.ready() }}
        # {% endif %}

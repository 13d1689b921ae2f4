# {% from "project.jinja" import observability, result with context %}
"""Connects the package to Django and Celery."""

from celery.app.defaults import DEFAULTS
from django.apps import AppConfig
from django.conf import settings
from django.core.signals import setting_changed
from django.dispatch import receiver

from config import celery_app


class TaskQueueConfig(AppConfig):
    name = "task_queue"

    def ready(self) -> None:
        from task_queue import checks, logging{{ ", results" if result.module }}{{ ", tracing" if observability.traces }}  # noqa: F401

        # Copy the settings: sending a message reads thirty, and Django's lookup is slow.
        celery_app.conf.update({name: celery_app.conf[name] for name in DEFAULTS})
        # {% if observability.ready() %}
{{ observability.ready() }}
        # {% endif %}


@receiver(setting_changed)
def copy_setting(setting: str, **kwargs: object) -> None:
    """Give Celery a setting that a test changes."""
    name = setting.removeprefix("CELERY_").lower()
    if setting.startswith("CELERY_") and name in DEFAULTS:
        celery_app.conf[name] = getattr(settings, setting, DEFAULTS[name])

# {% from "project.jinja" import broker, django, observability, result, scheduler with context %}
# {% set modules = ["checks", "doctor", "logging"] %}
# {% if django.task_api %}
# {%   set modules = modules + ["django_tasks"] %}
# {% endif %}
# {% if broker.leases %}
# {%   set modules = modules + ["leases"] %}
# {% endif %}
# {% if result.module %}
# {%   set modules = modules + ["results"] %}
# {% endif %}
# {% if observability.traces %}
# {%   set modules = modules + ["tracing"] %}
# {% endif %}
"""Connect the package to Django and Celery."""

from celery.app.defaults import DEFAULTS
from django.apps import AppConfig
from django.conf import settings
from django.core.signals import setting_changed
from django.dispatch import receiver

from config import celery_app


class TaskQueueConfig(AppConfig):
    name = "task_queue"

    def ready(self) -> None:
        # {% if result.needs_cleaning and not scheduler.beat %}
        import task_queue.cleanup
        # {% endif %}
        from task_queue import {{ modules | sort | join(", ") }}

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

"""Tasks that never ended, set aside."""

from django.apps import AppConfig


class InterruptionsConfig(AppConfig):
    name = "interruptions"

"""The app."""

from django.apps import AppConfig


class InterruptionsConfig(AppConfig):
    name = "interruptions"

"""Tells whether all is well."""

from django.apps import AppConfig


class HealthConfig(AppConfig):
    name = "health"

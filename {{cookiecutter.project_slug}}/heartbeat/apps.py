"""Shows that what is periodic runs."""

from django.apps import AppConfig


class HeartbeatConfig(AppConfig):
    name = "heartbeat"

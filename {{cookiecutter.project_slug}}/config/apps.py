"""The project itself, with its checks and commands."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class ProjectConfig(AppConfig):
    name = "config"

    def ready(self) -> None:
        """Loads the system checks of each app, from its module `checks`."""
        autodiscover_modules("checks")

"""A gallery of photographs."""

from django.apps import AppConfig


class GalleryConfig(AppConfig):
    name = "gallery"

    def ready(self) -> None:
        from gallery import receivers  # noqa: F401 - importing them connects them

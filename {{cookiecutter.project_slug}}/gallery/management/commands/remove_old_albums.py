"""`manage.py remove_old_albums`, for cron to run each night."""

from typing import Any

from django.core.management.base import BaseCommand

from gallery.tasks import remove_old_albums


class Command(BaseCommand):
    help = "Has a worker remove albums that are a week old."

    def handle(self, *args: Any, **options: Any) -> None:
        remove_old_albums.delay()

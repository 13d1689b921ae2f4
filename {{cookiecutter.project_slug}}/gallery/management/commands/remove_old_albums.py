"""`manage.py remove_old_albums`: run it from cron every night."""

from typing import Any

from django.core.management.base import BaseCommand

from gallery.tasks import remove_old_albums


class Command(BaseCommand):
    help = "Sends a task that removes albums older than a week."

    def handle(self, *args: Any, **options: Any) -> None:
        remove_old_albums.delay()

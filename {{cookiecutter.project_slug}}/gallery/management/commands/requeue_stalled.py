"""`manage.py requeue_stalled`: run it from cron every ten minutes."""

from typing import Any

from django.core.management.base import BaseCommand

from gallery.tasks import requeue_stalled


class Command(BaseCommand):
    help = "Sends a task that requeues the tasks of stalled jobs."

    def handle(self, *args: Any, **options: Any) -> None:
        requeue_stalled.delay()

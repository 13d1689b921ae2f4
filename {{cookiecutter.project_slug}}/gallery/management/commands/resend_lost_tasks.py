"""`manage.py resend_lost_tasks`, for cron to run every ten minutes."""

from typing import Any

from django.core.management.base import BaseCommand

from gallery.tasks import resend_lost_tasks


class Command(BaseCommand):
    help = "Has a worker send again the tasks that were not sent, or were lost."

    def handle(self, *args: Any, **options: Any) -> None:
        resend_lost_tasks.delay()

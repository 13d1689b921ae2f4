"""`manage.py queued` tells how many tasks the broker has: none must be left when it goes."""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from config import celery_app
from health.held import held
from health.wiring import waiting


class Command(BaseCommand):
    help = "Tells how many tasks the broker has. Exits with 1 unless there are none."

    def handle(self, *args: Any, **options: Any) -> None:
        with celery_app.connection_for_write() as broker, broker.channel() as channel:
            counts = {**waiting(), "held or not due": held(channel)}
        for name, count in counts.items():
            self.stdout.write(f"{name:<16}{count}")
        if any(counts.values()):
            sys.exit(1)

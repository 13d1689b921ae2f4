"""`manage.py queued` tells how many tasks the broker has: none must be left when it goes."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config import celery_app
from health.held import held
from health.wiring import waiting


class Command(BaseCommand):
    help = "Tells how many tasks the broker has. Exits with 1 if any, with 2 if it does not answer."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with celery_app.connection_for_write() as broker, broker.channel() as channel:
                counts = {**waiting(), "held or not due": held(channel)}
        except Exception as error:
            message = str(error).partition("\n")[0] or type(error).__name__
            raise CommandError(f"The broker does not answer: {message}", returncode=2) from error
        for name, count in counts.items():
            self.stdout.write(f"{name:<16}{count}")
        if any(counts.values()):
            sys.exit(1)

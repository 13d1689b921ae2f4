"""`manage.py queues` counts the broker's tasks: switch to another broker when it has none."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config import celery_app
from task_queue.broker import count_unacknowledged
from task_queue.doctor import count_waiting


class Command(BaseCommand):
    help = "Shows how many tasks the broker has. Exits with 1 if any wait, with 2 if it is down."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with celery_app.connection_for_write() as broker, broker.channel() as channel:
                counts = {**count_waiting(), "unacknowledged": count_unacknowledged(channel)}
        except Exception as error:
            message = str(error).partition("\n")[0] or type(error).__name__
            raise CommandError(f"The broker is unreachable: {message}", returncode=2) from error
        for name, count in counts.items():
            self.stdout.write(f"{name:<16}{count}")
        if any(counts.values()):
            sys.exit(1)

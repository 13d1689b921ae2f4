"""`manage.py doctor` checks that tasks run, and suggests a fix for whatever fails."""

import logging
import sys
import time
from functools import partial
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils.module_loading import autodiscover_modules

from config import celery_app
from task_queue.doctor import Function, checks
from task_queue.health import within


class Command(BaseCommand):
    help = "Checks that tasks run, and suggests fixes. Exits with 1 if anything fails."
    # Run in spite of wrong settings: the doctor's own checks show what they break.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        text = "how long each check may take; raise it if workers are busy (default: 3)"
        parser.add_argument("--seconds", type=float, default=3, help=text)

    def handle(self, *args: Any, seconds: float, **options: Any) -> None:
        celery_app.loader.import_default_modules()
        autodiscover_modules("doctor")
        # Log lines would mix with the output.
        logging.disable()
        healthy: set[Function] = set()
        for check in checks:
            if not healthy.issuperset(check.needs):
                self.show(check.name, self.style.WARNING("skipped"), "it needs a check that failed")
                continue
            start = time.perf_counter()
            try:
                answer = within(seconds + 1, partial(check.run, seconds))
            except Exception as error:
                reason = str(error).partition("\n")[0] or type(error).__name__
                self.show(check.name, self.style.ERROR("failed "), reason)
                self.show("", "    -> ", getattr(error, "fix", "") or check.fix)
            else:
                took = (time.perf_counter() - start) * 1000
                self.show(check.name, self.style.SUCCESS("ok     "), f"{answer} ({took:.0f} ms)")
                healthy.add(check.run)
        if len(healthy) < len(checks):
            sys.exit(1)

    def show(self, name: str, state: str, text: str) -> None:
        self.stdout.write(f"{name:<14}{state}  {text}")

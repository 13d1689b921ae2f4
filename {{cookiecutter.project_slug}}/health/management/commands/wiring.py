"""`manage.py wiring` tells whether tasks run, and what to do if not."""

import logging
import sys
from concurrent.futures import Future
from threading import Thread
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import connections
from django.utils.module_loading import autodiscover_modules

from health.lines import Check, WiringError, lines


class Command(BaseCommand):
    help = "Tells whether tasks run now, and what to do if not. Exits with 1 if something is wrong."
    # What is wrong with the settings, too, is told here by what it does.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--seconds",
            type=float,
            default=3,
            help="how long each answer may take; give more where workers are busy (default: 3)",
        )

    def handle(self, *args: Any, seconds: float, **options: Any) -> None:
        autodiscover_modules("wiring")
        # The lines tell it; what libraries log meanwhile would stand between them.
        logging.disable()
        well: set[Check] = set()
        for line in lines:
            if not well.issuperset(line.needs):
                self.show(line.name, self.style.WARNING("skipped"), "it needs what failed above")
                continue
            try:
                answer = ask(line.check, seconds)
            except Exception as error:
                what = str(error).partition("\n")[0] or type(error).__name__
                self.show(line.name, self.style.ERROR("failed "), what)
                self.show("", "    -> ", getattr(error, "fix", "") or line.fix)
            else:
                self.show(line.name, self.style.SUCCESS("ok     "), answer)
                well.add(line.check)
        if len(well) < len(lines):
            sys.exit(1)

    def show(self, name: str, state: str, text: str) -> None:
        self.stdout.write(f"{name:<12}{state}  {text}")


def ask(check: Check, seconds: float) -> str:
    """What a check returns. Raises what it raises, or WiringError if it takes too long.

    In a thread that is left behind then: a server may let a client in and say nothing, and not
    every library gives up.
    """
    answer: Future[str] = Future()

    def run() -> None:
        try:
            answer.set_result(check(seconds))
        except Exception as error:
            answer.set_exception(error)
        finally:
            connections.close_all()

    Thread(target=run, daemon=True).start()
    try:
        return answer.result(seconds + 1)
    except TimeoutError:
        raise WiringError(f"no answer within {seconds:g} s") from None

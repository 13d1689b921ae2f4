"""`manage.py startapp NAME`: Django's own, after which nothing else needs to be edited."""

from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands import startapp

from config.env import BASE_DIR

SETTINGS = BASE_DIR / "config" / "settings" / "base.py"


class Command(startapp.Command):
    help = f"{startapp.Command.help} Enters it in INSTALLED_APPS."

    def handle(self, **options: Any) -> None:  # type: ignore[override]
        super().handle(**options)
        if options["directory"]:
            return
        text = SETTINGS.read_text(encoding="utf-8")
        start, opening, rest = text.partition("\nINSTALLED_APPS = [")
        apps, closing, end = rest.partition("\n]")
        if not closing:
            raise CommandError("The list INSTALLED_APPS was not found: enter the app yourself.")
        entry = f'\n    "{options["name"]}",'
        SETTINGS.write_text(f"{start}{opening}{apps}{entry}{closing}{end}", encoding="utf-8")

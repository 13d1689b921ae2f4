"""`manage.py benchmark` measures the project's wiring, on the servers that it is told."""

import logging
import os
import pkgutil
import secrets
import shutil
import signal
import sys
import tempfile
from argparse import ArgumentTypeError
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, TextIO

import click
from django.core.management.base import BaseCommand, CommandError, CommandParser

import benchmark
from benchmark import notes
from benchmark.cleaning import cleanups
from benchmark.measures import Run, measures
from benchmark.report import Report, ReportError, load, save, table
from health.lines import lines
from health.management.commands.wiring import ask
from health.wiring import broker, database

for module in pkgutil.iter_modules(benchmark.__path__):
    import_module(f"benchmark.{module.name}")

SECONDS = 5


def at_least(least: int) -> Callable[[str], int]:
    """What reads a number that was given, and refuses a smaller one."""

    def read(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            raise ArgumentTypeError(f"{text!r} is no whole number of {least} or more")
        return int(text)

    return read


NUMBERS = {
    "rounds": (at_least(1), 3, "how often each is measured; the median counts"),
    "tasks": (at_least(100), Run.tasks, "how many fill a queue"),
    "payload": (at_least(0), Run.payload, "how many bytes each task carries"),
    "processes": (at_least(1), Run.processes, "how many the worker has"),
}


class Command(BaseCommand):
    help = (
        "Measures how fast tasks are sent and run, and compares it with what was measured before."
        " It has queues of its own, which it removes, and starts its own workers, on this machine:"
        " let nothing else be busy here meanwhile."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        names = ", ".join(measures)
        parser.add_argument(
            "--only", nargs="+", choices=measures, metavar="MEASURE", help=f"some of: {names}"
        )
        for name, (kind, default, what) in NUMBERS.items():
            parser.add_argument(
                f"--{name}", type=kind, default=default, help=f"{what} (default: {default})"
            )
        parser.add_argument("--save", type=Path, metavar="FILE", help="keep the figures, as JSON")
        parser.add_argument(
            "--compare", type=Path, nargs="+", metavar="FILE", help="show kept figures"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["compare"]:
            try:
                reports = [report for path in options["compare"] for report in load(path)]
            except ReportError as error:
                raise CommandError(str(error)) from error
        else:
            file = options["save"]
            if file and not os.access(file.parent, os.W_OK):
                raise CommandError(f"{file.parent} cannot be written to: name another file.")
            if notes.VARIABLE not in os.environ:
                check_servers()
                run_again()
            reports = [self.measure(options)]
            if file:
                save(reports, file)
        self.stdout.write("\n".join(table(reports)))

    def measure(self, options: dict[str, Any]) -> Report:
        """Runs the measures, each some times."""
        # The last one leaves a task behind that a worker of another measure might run.
        chosen = sorted(options["only"] or measures, key="recovery".__eq__)
        steps = chosen * options["rounds"]
        name = options["save"].stem if options["save"] else "now"
        with working_folder() as folder:
            run = Run(options["tasks"], options["payload"], options["processes"], folder)
            report = Report.here(name, run.options)
            with click.progressbar(steps, item_show_func=str) as bar:
                for step in bar:
                    report.add(measures[step](run))
        return report


def check_servers() -> None:
    """Raises CommandError, in one line, when a server does not answer."""
    for line in lines:
        if line.check in (database, broker):
            try:
                ask(line.check, SECONDS)
            except Exception as error:
                what = str(error).partition("\n")[0] or type(error).__name__
                fix = getattr(error, "fix", "") or line.fix
                raise CommandError(f"{line.name}: {what.rstrip('.')}. {fix}") from error


def run_again() -> None:
    """Runs the same command with queues of its own instead of the project's. Does not return."""
    folder = Path(tempfile.mkdtemp(prefix="benchmark-"))
    own = {
        "QUEUE_PREFIX": f"benchmark_{secrets.token_hex(4)}",
        notes.VARIABLE: str(folder / "notes"),
    }
    os.execve(sys.executable, sys.orig_argv, os.environ | own)  # noqa: S606


@contextmanager
def working_folder() -> Iterator[Path]:
    """The folder of notes and logs; it stays, and is named, where something went wrong."""
    folder = Path(os.environ[notes.VARIABLE]).parent
    notes.clear()
    # Whoever stops it, it cleans up.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with (folder / "sender.log").open("w") as log:
            # Lines are written as always, and not between those of the command.
            log_to(log)
            try:
                yield folder
            finally:
                for cleanup in cleanups:
                    cleanup()
                log_to(sys.stderr)
    except KeyboardInterrupt:
        shutil.rmtree(folder)
        raise CommandError("Interrupted: its queues are removed.", returncode=130) from None
    except Exception as error:
        raise CommandError(f"{error or type(error).__name__}. The logs are in {folder}.") from error
    shutil.rmtree(folder)


def log_to(stream: TextIO) -> None:
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.StreamHandler):
            handler.setStream(stream)

"""Measure the project's wiring, on the servers that its settings name."""

import logging
import os
import secrets
import shutil
import signal
import sys
import tempfile
from argparse import SUPPRESS, ArgumentTypeError
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any, TextIO

import click
from config import celery_app
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from task_benchmark import samples
from task_benchmark.measures import Run, measures
from task_benchmark.report import Report, ReportError, load, save, table
from task_benchmark.teardown import teardown

SECONDS = 5


def at_least(least: int) -> Callable[[str], int]:
    """Return a parser of whole numbers that refuses smaller ones."""

    def read(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            raise ArgumentTypeError(f"{text!r} is not a whole number of {least} or more")
        return int(text)

    return read


NUMBERS = {
    "rounds": (at_least(1), 3, "number of rounds, whose median is shown"),
    "tasks": (at_least(100), Run.tasks, "number of tasks in a queue"),
    "payload": (at_least(0), Run.payload, "bytes in each task"),
    "processes": (at_least(1), Run.processes, "processes of the worker"),
}


class Command(BaseCommand):
    help = (
        "Measure how fast tasks are sent and run, and compare the figures with earlier ones. It"
        " uses queues of its own, which it deletes, and workers on this machine: keep the machine"
        " idle meanwhile."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        # An error is one line.
        parser.usage = SUPPRESS
        names = ", ".join(measures)
        parser.add_argument(
            "--only", nargs="+", choices=measures, metavar="MEASURE", help=f"some of: {names}"
        )
        for name, (kind, default, what) in NUMBERS.items():
            parser.add_argument(
                f"--{name}", type=kind, default=default, help=f"{what} (default: {default})"
            )
        parser.add_argument("--save", type=Path, metavar="FILE", help="save the figures as JSON")
        parser.add_argument(
            "--compare", type=Path, nargs="+", metavar="FILE", help="show saved figures"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["compare"]:
            try:
                reports = [report for path in options["compare"] for report in load(path)]
            except ReportError as error:
                raise CommandError(str(error)) from error
        else:
            file = options["save"]
            if file and (file.is_dir() or not os.access(file.parent, os.W_OK)):
                raise CommandError(f"{file} cannot be written: name another file.")
            if samples.VARIABLE not in os.environ:
                check_servers()
                run_again()
            reports = [self.measure(options)]
            if file:
                save(reports, file)
        self.stdout.write("\n".join(table(reports)))

    def measure(self, options: dict[str, Any]) -> Report:
        """Run each measure once in each round."""
        # Run `recovery` last: it leaves a task behind that another measure's worker might run.
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
    """Raise CommandError, in one line, if a server does not answer."""
    servers = {"database": connect_to_database, "broker": connect_to_broker}
    for name, connect in servers.items():
        try:
            run_with_deadline(connect)
        except Exception as error:
            reason = (str(error) or "no answer").partition("\n")[0].rstrip(".")
            raise CommandError(
                f"Cannot connect to the {name}: {reason}. Start it, or correct its address in the"
                " environment or .env."
            ) from error


def connect_to_database() -> None:
    # Each thread has a connection of its own.
    connection.ensure_connection()
    connection.close()


def connect_to_broker() -> None:
    with celery_app.connection_for_write(connect_timeout=SECONDS) as broker:
        broker.ensure_connection(max_retries=0)


def run_with_deadline(function: Callable[[], None]) -> None:
    """Run a function in a thread, since some libraries wait forever for a silent server."""
    done: Future[None] = Future()

    def run() -> None:
        try:
            done.set_result(function())
        except Exception as error:
            done.set_exception(error)

    Thread(target=run, daemon=True).start()
    done.result(SECONDS + 1)


def run_again() -> None:
    """Replace this process with the same command and queues of its own. Does not return."""
    folder = Path(tempfile.mkdtemp(prefix="benchmark-"))
    own = {
        "QUEUE_PREFIX": f"benchmark_{secrets.token_hex(4)}",
        samples.VARIABLE: str(folder / "samples"),
    }
    os.execve(sys.executable, sys.orig_argv, os.environ | own)


@contextmanager
def working_folder() -> Iterator[Path]:
    """Yield the folder of samples and logs. After an error, keep it and print its path."""
    folder = Path(os.environ[samples.VARIABLE]).parent
    samples.clear()
    # Clean up on SIGTERM, as on Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with (folder / "sender.log").open("w") as log:
            # Write log lines to a file, so that they do not mix with the output.
            log_to(log)
            try:
                yield folder
            finally:
                teardown()
                log_to(sys.stderr)
    except KeyboardInterrupt:
        shutil.rmtree(folder)
        raise CommandError("Interrupted: its queues are deleted.", returncode=130) from None
    except Exception as error:
        raise CommandError(f"{error or type(error).__name__}. The logs are in {folder}.") from error
    shutil.rmtree(folder)


def log_to(stream: TextIO) -> None:
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.StreamHandler):
            handler.setStream(stream)

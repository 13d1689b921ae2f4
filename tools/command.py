"""Options, errors and signals of commands such as `make compare tasks=100`."""

import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from tools.generate import Refused
from tools.servers import MissingServer

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# The least value of options that are numbers.
LEAST = {"rounds": 1, "tasks": 100, "times": 1}


def read(arguments: Sequence[str], defaults: Mapping[str, str]) -> dict[str, str]:
    """Parse words such as `tasks=100`, and return the options. Raises `Refused` for other words."""
    options = dict(defaults)
    for argument in arguments:
        key, _, value = argument.partition("=")
        if key not in defaults or not value.strip():
            examples = ", ".join(f'{name}="{default}"' for name, default in defaults.items())
            raise Refused(f"{argument!r:.200} is not an option: write one of {examples}.")
        options[key] = value
    for key in LEAST.keys() & options.keys():
        value, least = options[key], LEAST[key]
        if not (value.isdecimal() and int(value) >= least):
            raise Refused(f"{key} cannot be {value!r:.200}: give a number, {least} or more.")
    return options


def exit_code(command: Callable[[], int | None]) -> int:
    """Run a command, and return its exit code. Print an error or an interruption in one line."""
    try:
        with interrupted_by_signals():
            return command() or 0
    except (Refused, MissingServer, OSError, RuntimeError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted: everything that was started is stopped.", file=sys.stderr)
        return 130


@contextmanager
def interrupted_by_signals() -> Iterator[None]:
    """Raise KeyboardInterrupt on Ctrl-C, on SIGTERM, and when the terminal is closed."""
    handlers = {number: signal.signal(number, interrupt) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def interrupt(*_: object) -> None:
    """Stop, and ignore further signals."""
    ignore_signals()
    raise KeyboardInterrupt


def ignore_signals() -> None:
    """Ignore signals while everything stops."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)

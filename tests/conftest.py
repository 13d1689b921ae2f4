"""Test order, skipping without servers, and the table of fault injection results."""

import os
import signal
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tools import progress
from tools.progress import Patience, Stuck, work
from tools.servers import MissingServer

# A background shell makes its children, and theirs, ignore Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)


def fail(*_: object) -> None:
    raise Stuck("Neither the test nor its processes make progress.")


signal.signal(signal.SIGALRM, fail)

# They run in generated projects.
collect_ignore = ["project"]

TABLE = "--write-table"
LONGEST = ("test_types.py", "test_wiring.py")
SERVERS = "Measured on"
COLUMNS = ("fault", "broker", "sent", "completed", "lost", "repeated", "seconds")


@contextmanager
def skip_without_server() -> Iterator[None]:
    """Skip a test if its server is not installed. In CI, fail it."""
    try:
        yield
    except MissingServer as missing:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(missing))


@contextmanager
def fail_if_stuck() -> Iterator[None]:
    """Fail a test that waits without a limit, once neither it nor its processes make progress."""
    ended = threading.Event()

    def watch() -> None:
        # Most tests end before the first look, which costs some milliseconds.
        if ended.wait(progress.PAUSE_SECONDS):
            return
        # Longer than waits that end by themselves, with a better message.
        seconds = 2 * progress.STUCK_SECONDS
        patience = Patience("the test ends", lambda: work(os.getpid()), seconds)
        try:
            while not ended.wait(progress.PAUSE_SECONDS):
                patience.check()
        except Stuck:
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGALRM)

    # A system without /proc does not show progress.
    if Path("/proc").exists():
        threading.Thread(target=watch, daemon=True).start()
    try:
        yield
    finally:
        ended.set()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup() -> Generator[None, object, object]:
    with skip_without_server(), fail_if_stuck():
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None, object, object]:
    with skip_without_server(), fail_if_stuck():
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown() -> Generator[None, object, object]:
    with fail_if_stuck():
        return (yield)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(TABLE, type=Path, help="write the table of faults to this page")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the longest tests first, so that no process is left with one at the end."""
    items.sort(key=lambda item: (item.path.name not in LONGEST, item.path.parent.name != "faults"))


def pytest_terminal_summary(terminalreporter: Any, exitstatus: int, config: pytest.Config) -> None:
    reports = [report for stats in terminalreporter.stats.values() for report in stats]
    properties = [pair for report in reports for pair in getattr(report, "user_properties", [])]
    outcomes = [outcome for name, outcome in properties if name == "outcome"]
    if not outcomes:
        return
    servers = sorted({str(server) for name, server in properties if name == "server"})
    measured = f"{SERVERS} {date.today()} with {', '.join(servers)}."
    table = f"{measured}\n\n{to_markdown(outcomes)}"
    terminalreporter.section("faults")
    terminalreporter.write_line(table)
    # After a failure, the table would lack rows.
    if exitstatus == pytest.ExitCode.OK and (page := config.getoption(TABLE)):
        before, _, _ = page.read_text(encoding="utf-8").partition(SERVERS)
        page.write_text(f"{before}{table}\n", encoding="utf-8")


def to_markdown(outcomes: list[dict[str, Any]]) -> str:
    rows = {tuple(cell(outcome[column]) for column in COLUMNS) for outcome in outcomes}
    rule = tuple("---" if column in ("fault", "broker") else "--:" for column in COLUMNS)
    return "\n".join(f"| {' | '.join(row)} |" for row in [COLUMNS, rule, *sorted(rows)])


def cell(value: Any) -> str:
    return f"{value:.1f}" if isinstance(value, float) else str(value)

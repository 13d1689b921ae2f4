"""A wait goes on while something happens, and ends when nothing does."""

import subprocess
import sys
from itertools import count

import pytest

from tools import progress
from tools.progress import Stuck, finish, wait_until


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "STUCK_SECONDS", 2)
    monkeypatch.setattr(progress, "WORK_SECONDS", 0.01)


def test_a_wait_ends_when_nothing_happens_any_more() -> None:
    with pytest.raises(Stuck, match="Nothing happened for 2 s while waiting until it rains"):
        wait_until(lambda: False, "it rains", lambda: "sunshine")


def test_a_wait_is_longer_than_that_while_something_happens() -> None:
    polls = count()
    events = count()
    enough = 2 * progress.STUCK_SECONDS / progress.POLL_SECONDS
    wait_until(lambda: next(polls) > enough, "it rains", lambda: next(events))


def test_a_command_that_hangs_is_killed() -> None:
    with subprocess.Popen(["sleep", "infinity"], text=True) as process, pytest.raises(Stuck):
        finish(process)
    assert process.returncode


def test_a_command_that_computes_does_not_hang() -> None:
    busy = "import sys, time\nwhile time.process_time() < 3: pass\nprint(sys.stdin.read())"
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", busy]
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        assert finish(process, "typed") == ("typed\n", "")


def test_a_command_whose_child_computes_does_not_hang() -> None:
    busy = "import time\nwhile time.process_time() < 3: pass"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {busy!r}])"
    with subprocess.Popen([sys.executable, "-c", parent], text=True) as process:
        finish(process)
    assert process.returncode == 0

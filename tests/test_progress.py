"""Waiting ends in an error when there is no progress, not after a fixed time."""

import signal
import subprocess
import sys
import time
from itertools import count
from pathlib import Path

import pytest

from tools import progress
from tools.process import Process
from tools.progress import Stuck, wait_until

BUSY = "import time\nwhile time.process_time() < 7: pass"


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "STUCK_SECONDS", 5)
    monkeypatch.setattr(progress, "WORK_SECONDS", 0.01)


def test_a_wait_ends_when_nothing_happens() -> None:
    with pytest.raises(Stuck, match="Nothing happened for 5 s while waiting until it rains"):
        wait_until(lambda: False, "it rains", lambda: "sunshine")


@pytest.mark.exhaustive
def test_a_wait_goes_on_while_something_happens() -> None:
    polls = count()
    events = count()
    enough = 2 * progress.STUCK_SECONDS / progress.POLL_SECONDS
    wait_until(lambda: next(polls) > enough, "it rains", lambda: next(events))


def test_time_in_which_the_machine_stands_still_does_not_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hours = count(step=3600)
    monkeypatch.setattr(time, "monotonic", lambda: next(hours))
    monkeypatch.setattr(progress, "PAUSE_SECONDS", 1)
    looks = count()
    wait_until(lambda: next(looks) == 3, "it rains", lambda: "sunshine")


@pytest.mark.exhaustive
def test_a_test_that_waits_without_a_limit_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "PAUSE_SECONDS", 1)
    # The wait for progress takes CPU time, too.
    monkeypatch.setattr(progress, "WORK_SECONDS", 5)
    with pytest.raises(Stuck, match="Neither the test nor its processes make progress"):
        subprocess.run(["sleep", "infinity"], check=False)


def test_a_command_that_hangs_is_killed(tmp_path: Path) -> None:
    with Process(tmp_path, ["sleep", "infinity"]) as command, pytest.raises(Stuck):
        command.finish()
    assert command.exit_code == -signal.SIGKILL


@pytest.mark.exhaustive
def test_a_command_that_computes_does_not_hang(tmp_path: Path) -> None:
    with Process(tmp_path, [sys.executable, "-c", f"{BUSY}\nprint('done')"]) as command:
        assert command.finish() == 0
    assert command.said() == "done\n"


@pytest.mark.exhaustive
def test_a_command_whose_child_computes_does_not_hang(tmp_path: Path) -> None:
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {BUSY!r}])"
    with Process(tmp_path, [sys.executable, "-c", parent]) as command:
        assert command.finish() == 0

"""Commands that run beside this program: started, waited for, and stopped with all they started."""

import fcntl
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from tools.progress import POLL_SECONDS, Stuck, descendants, wait_until, work

STOP_SECONDS = 60
LOG_LINES = 20
# These belong to the `make`, the pytest and the environment that run this program, not to what it
# starts.
OURS = (
    "VIRTUAL_ENV",
    "MAKEFLAGS",
    "MAKELEVEL",
    "MAKEOVERRIDES",
    "MFLAGS",
    "PYTEST_XDIST_WORKER",
)


class Process:
    """A command that runs in a folder, with its output in a log, until it ends or is stopped.

    It can be started again. As a context manager it is started on entry and stopped on exit.
    """

    name: ClassVar[str] = "command"
    """What messages call it, and its log unless that has a path of its own."""
    ready: str = ""
    """The text in its log that says that it can be used; empty if nobody waits for that."""
    stop_signal: signal.Signals = signal.SIGTERM
    user: str | None = None
    """The user to run it as, if not the current one."""

    def __init__(
        self,
        folder: Path,
        command: Sequence[str] = (),
        *,
        log: Path | None = None,
        errors: Path | None = None,
        ready: str = "",
        env: Mapping[str, str] | None = None,
    ) -> None:
        """Prepare a command with more variables; `errors` keeps its standard error out of the log.

        A subclass may override `command`, `environment` and `answers` instead.
        """
        self.folder = folder
        self.log = log or folder / f"{self.name}.log"
        self.errors = errors or self.log
        self.ready = ready or self.ready
        self.exit_code: int | None = None
        """How it ended the last time: below zero when it was killed."""
        self._command = command
        self._env = env or {}
        self._process: subprocess.Popen[bytes] | None = None
        self._said_before = 0

    def command(self) -> list[str]:
        """Return the command that runs in the foreground."""
        return [*self._command]

    def environment(self) -> Mapping[str, str]:
        """Return the variables that the command needs on top of the current ones."""
        return self._env

    def answers(self) -> bool:
        """Return whether it can be used right now."""
        return self.ready in self.said()

    def start(self) -> None:
        """Return as soon as it answers; do nothing when it already runs.

        It is killed with the thread that called this, however that thread ends.
        Raises `RuntimeError` with the tail of its log when it ends, or when it does not answer
        and does nothing any more.
        """
        if self.runs:
            return
        self.launch()
        try:
            self._wait_for_answer()
        except BaseException:
            self.kill()
            raise

    def launch(self) -> None:
        """Start it, and do not wait."""
        self._process = self._launch(self.command())

    def kill(self) -> None:
        """End it and all its processes immediately with SIGKILL, as a crash would."""
        if self._process:
            self._end(self._process, signal.SIGKILL)

    def stop(self) -> None:
        """End it in order, and kill what is left of it after `STOP_SECONDS`."""
        if self._process:
            self._end(self._process, self.stop_signal)

    def send_signal(self, how: signal.Signals) -> None:
        """Send a signal to it, and not to what it started."""
        if self._process:
            self._process.send_signal(how)

    def interrupt(self) -> None:
        """Press Ctrl-C: it and what it started in its session get SIGINT."""
        if self._process:
            os.killpg(self._process.pid, signal.SIGINT)

    def finish(self) -> int:
        """Return its exit code once it has ended by itself.

        Kills it, and raises `Stuck` with the tail of its log, when it does nothing any more.
        """
        try:
            self.wait_until(lambda: not self.runs, f"{self.name} ends")
        except Stuck:
            self.kill()
            raise
        return self.wait()

    def wait(self) -> int:
        """Return its exit code once it has ended by itself, however long it does nothing."""
        assert self._process
        self.exit_code = self._process.wait()
        return self.exit_code

    def wait_until(self, done: Callable[[], object], what: str) -> None:
        """Return as soon as `done()` is true.

        Raises `Stuck` with the tail of its log when it does nothing any more.
        """
        try:
            wait_until(done, what, self.work)
        except Stuck as stuck:
            raise Stuck(f"{stuck}\n{tail(self.log)}") from stuck

    @property
    def runs(self) -> bool:
        """Whether it was started and has not ended."""
        return bool(self._process and self._process.poll() is None)

    @property
    def ended(self) -> bool:
        """Whether it was started and has ended without having been told to."""
        return bool(self._process and self._process.poll() is not None)

    def below(self) -> list[int]:
        """Return the ids of all processes that it started."""
        return descendants(self._process.pid) if self._process else []

    def work(self) -> int:
        """Return how much it has computed, which shows that it goes on."""
        return work(self._process.pid) if self._process else 0

    def said(self) -> str:
        """Return what it has logged since its last start."""
        with self.log.open("rb") as log:
            log.seek(self._said_before)
            return log.read().decode(errors="replace")

    def lines(self) -> Iterator[str]:
        """Yield each whole line that it logs, until it ends."""
        yielded = 0
        runs = True
        while runs:
            # Asked first: when it has ended, the log has its last line.
            runs = self.runs
            said = self.said()
            lines = said[: said.rfind("\n") + 1].splitlines()
            yield from lines[yielded:]
            yielded = len(lines)
            time.sleep(POLL_SECONDS)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _launch(self, command: list[str]) -> subprocess.Popen[bytes]:
        """Start command in the folder, in a session of its own, with its output in the log."""
        if setpriv := shutil.which("setpriv"):
            command = [setpriv, "--pdeathsig", "KILL", *command]
        with self.log.open("ab") as log, self.errors.open("ab") as errors:
            # Each process that it starts inherits this lock: it is free when the last one is gone.
            fcntl.flock(log, fcntl.LOCK_EX)
            self._said_before = log.tell()
            return subprocess.Popen(
                command,
                cwd=self.folder,
                env=inherited() | dict(self.environment()),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=errors if self.errors != self.log else log,
                user=self.user,
                group=self.user,
                extra_groups=[] if self.user else None,
                start_new_session=True,
            )

    def _wait_for_answer(self) -> None:
        try:
            self.wait_until(lambda: self.answers() or not self.runs, f"{self.name} answers")
        except Stuck as stuck:
            raise RuntimeError(str(stuck)) from stuck
        if not self.runs and not self.answers():
            raise RuntimeError(f"{self.name} ended while starting:\n{tail(self.log)}")

    def _end(self, process: subprocess.Popen[bytes], how: signal.Signals) -> None:
        """Send it a signal, then leave nothing of it behind."""
        self._process = None
        pids = descendants(process.pid)
        process.send_signal(how)
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.exit_code = process.wait()
        with self.log.open("rb") as log:
            fcntl.flock(log, fcntl.LOCK_EX)


def inherited() -> dict[str, str]:
    """Return the variables of this program that are meant for what it starts, too."""
    return {key: value for key, value in os.environ.items() if key not in OURS}


def tail(log: Path) -> str:
    """Return the last lines of a log."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-LOG_LINES:])

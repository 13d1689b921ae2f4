"""Start commands, wait for them, and stop them with all of their child processes."""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from tools.progress import POLL_SECONDS, Stuck, descendants, wait_until, work

LOG_LINES = 20
# Variables of the `make`, pytest, pyenv and virtual environment that run this program. Children get
# none.
OURS = (
    "VIRTUAL_ENV",
    "PYENV_DIR",
    "PYENV_VERSION",
    "MAKEFLAGS",
    "MAKELEVEL",
    "MAKEOVERRIDES",
    "MFLAGS",
    "PYTEST_XDIST_WORKER",
)


class Process:
    """A command that runs in a folder, with its output in a log, until it ends or is stopped.

    You can start it again. As a context manager, it starts on entry and stops on exit.
    """

    name: str = "command"
    """The name in messages, and the default name of its log."""
    ready: str = ""
    """Text in the log that shows that it is ready. Empty: do not wait for it."""
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
        """Prepare a command with extra variables. `errors` is a separate log for standard error.

        A subclass may override `command`, `environment` and `answers` instead.
        """
        self.folder = folder
        self.log = log or folder / f"{self.name}.log"
        self.errors = errors or self.log
        self.ready = ready or self.ready
        self.exit_code: int | None = None
        """Exit code of the last run, negative if a signal ended it."""
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
        """Return whether it is ready."""
        return self.ready in self.said()

    def start(self) -> None:
        """Start it unless it runs already, and return as soon as it is ready.

        It is killed when the thread that called this ends.
        Raises `RuntimeError` with the end of its log if it ends, or makes no progress.
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
        """Start it without waiting."""
        self._process = self._launch(self.command())

    def kill(self) -> None:
        """Kill it and all its child processes with SIGKILL, like a crash."""
        if self._process:
            self._end(self._process, signal.SIGKILL)

    def stop(self) -> None:
        """Stop it gracefully, and kill it if it makes no progress."""
        if self._process:
            self._end(self._process, self.stop_signal)

    def send_signal(self, how: signal.Signals) -> None:
        """Send it a signal, but not to its child processes."""
        if self._process:
            send(self._process, how)

    def interrupt(self) -> None:
        """Send SIGINT to it and to its process group, like Ctrl-C."""
        if self._process:
            os.killpg(self._process.pid, signal.SIGINT)

    def finish(self) -> int:
        """Wait until it ends by itself, and return its exit code.

        If it makes no progress, kills it and raises `Stuck` with the end of its log.
        """
        try:
            self.wait_until(lambda: not self.runs, f"{self.name} ends")
        except Stuck:
            self.kill()
            raise
        return self.wait()

    def wait(self) -> int:
        """Wait until it ends by itself, even without progress, and return its exit code."""
        assert self._process
        ended = os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOWAIT)
        assert ended
        exited = ended.si_code == os.CLD_EXITED
        self.exit_code = ended.si_status if exited else -ended.si_status
        return self.exit_code

    def wait_until(self, done: Callable[[], object], what: str) -> None:
        """Return as soon as `done()` is true.

        Raises `Stuck` with the end of its log if it makes no progress.
        """
        try:
            wait_until(done, what, self.work)
        except Stuck as stuck:
            raise Stuck(f"{stuck}\n{tail(self.log)}") from stuck

    @property
    def runs(self) -> bool:
        """True from its start until it ends."""
        return bool(self._process and not has_ended(self._process))

    @property
    def ended(self) -> bool:
        """True if it has ended by itself."""
        return bool(self._process and has_ended(self._process))

    def below(self) -> list[int]:
        """Return the ids of all its child processes."""
        return descendants(self._process.pid) if self._process else []

    def work(self) -> int:
        """Return its CPU time so far, which shows progress."""
        return work(self._process.pid) if self._process else 0

    def said(self) -> str:
        """Return the log since the last start."""
        with self.log.open("rb") as log:
            log.seek(self._said_before)
            return log.read().decode(errors="replace")

    def lines(self) -> Iterator[str]:
        """Yield each complete line of its log, until it ends."""
        yielded = 0
        runs = True
        while runs:
            # Check this before reading: after its end, the log is complete.
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
            # Child processes inherit this lock, so it is free when the last one has ended.
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
        """Send it a signal, and then kill all remaining child processes."""
        self._process = None
        with killed(descendants(process.pid)):
            send(process, how)
            with suppress(Stuck):
                wait_until(
                    lambda: has_ended(process), f"{self.name} stops", lambda: work(process.pid)
                )
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
        self.exit_code = process.wait()
        with self.log.open("rb") as log:
            fcntl.flock(log, fcntl.LOCK_EX)


def has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Return whether a process has ended.

    Unlike `poll`, this keeps its id, which is also that of its group, from being given to another.
    """
    with suppress(ChildProcessError):
        options = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return os.waitid(os.P_PID, process.pid, options) is not None
    return True


def send(process: subprocess.Popen[bytes], how: signal.Signals) -> None:
    """Send a signal to a process, unless it has ended."""
    if not has_ended(process):
        os.kill(process.pid, how)


@contextmanager
def killed(pids: Iterable[int]) -> Iterator[None]:
    """Kill processes at the end of the block, unless another process has their id by then."""
    handles: list[int] = []
    if sys.platform == "linux":
        for pid in pids:
            with suppress(ProcessLookupError):
                handles.append(os.pidfd_open(pid))
    yield
    if sys.platform == "linux":
        for handle in handles:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(handle, signal.SIGKILL)
            os.close(handle)


def inherited() -> dict[str, str]:
    """Return the environment of this program for a child process."""
    return {key: value for key, value in os.environ.items() if key not in OURS}


def tail(log: Path) -> str:
    """Return the last lines of a log."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-LOG_LINES:])

"""What every server has in common: start, answer, be killed, start again."""

import fcntl
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from collections import defaultdict
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

HOST = "127.0.0.1"
START_SECONDS = 240
STOP_SECONDS = 15
POLL_SECONDS = 0.05
FIRST_PORT, PORTS = 20_000, 1_500
LOG_LINES = 20


class MissingServer(Exception):  # noqa: N818 - it is the server that is missing, no error was made
    """A server that is not installed; the message says how to install it."""


class Server(ABC):
    """One server process, with its data in a folder and its port on 127.0.0.1.

    A server can be started again after `kill` or `stop`: on the same port and, when `durable`,
    with the same data. As a context manager it is started on entry and stopped on exit.
    """

    name: ClassVar[str]
    """Its key in `SERVERS`."""
    default_port: ClassVar[int]
    """The port that clients try when they are told none; never the one used here."""
    durable: ClassVar[bool] = True
    """Whether its data survives `kill` and `stop`."""
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM
    user: str | None = None
    """Whom to run it as, when not as the current user."""

    def __init__(self, folder: Path) -> None:
        """Prepare a server that keeps its data and its log in folder, made if there is none.

        Raises `MissingServer` when it is not installed.
        """
        self.folder = folder
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.log = self.folder / f"{self.name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def command(self) -> list[str]:
        """Return the command that runs the server in the foreground."""

    @abstractmethod
    def answers(self) -> bool:
        """Return whether the server serves clients right now."""

    def version(self) -> str:
        """Return what the server is and, where that is known, which version: `Redis 7.0.15`."""
        return self.name

    def environment(self) -> dict[str, str]:
        """Return the variables that the command needs on top of the current ones."""
        return {}

    def start(self) -> None:
        """Return as soon as the server answers; do nothing when it already runs.

        The server is killed with the thread that called this, however that thread ends.
        Raises `RuntimeError` with the tail of its log when it ends, or when it does not answer
        within `START_SECONDS`.
        """
        if self._process and self._process.poll() is None:
            return
        self._process = self._launch(self.command())
        try:
            self._wait_for_answer(self._process)
        except BaseException:
            self.kill()
            raise

    def kill(self) -> None:
        """End the server and all its processes at once with SIGKILL, as a crash would."""
        if self._process:
            self._end(self._process, signal.SIGKILL)

    def stop(self) -> None:
        """End the server in order, and kill what is left of it after `STOP_SECONDS`."""
        if self._process:
            self._end(self._process, self.stop_signal)

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
        with self.log.open("ab") as log:
            # Every process of the server inherits this lock: it is free when the last one is gone.
            fcntl.flock(log, fcntl.LOCK_EX)
            return subprocess.Popen(
                command,
                cwd=self.folder,
                env={**os.environ, **self.environment()},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=self.user,
                group=self.user,
                extra_groups=[] if self.user else None,
                start_new_session=True,
            )

    def _wait_for_answer(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self.answers():
            with suppress(subprocess.TimeoutExpired):
                process.wait(POLL_SECONDS)
            if process.returncode is not None and not self.answers():
                raise RuntimeError(f"{self.name} ended while starting:\n{self._log_tail()}")
            if time.monotonic() > deadline:
                raise RuntimeError(
                    f"{self.name} did not answer in {START_SECONDS} s:\n{self._log_tail()}"
                )

    def _end(self, process: subprocess.Popen[bytes], how: signal.Signals) -> None:
        """Send the server a signal, then leave nothing of it behind."""
        self._process = None
        pids = descendants(process.pid)
        process.send_signal(how)
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
        process.kill()
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait()
        with self.log.open("rb") as log:
            fcntl.flock(log, fcntl.LOCK_EX)

    def _log_tail(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-LOG_LINES:])


def first_number(*command: str) -> str:
    """Return the first version number that a command prints."""
    printed = subprocess.check_output(command, text=True, stderr=subprocess.STDOUT)
    found = re.search(r"\d+(\.\d+)+", printed)
    return found.group() if found else "?"


def ask(port: int, question: bytes) -> bytes:
    """Return the first bytes of what 127.0.0.1:port replies to question, b"" for nothing."""
    try:
        with socket.create_connection((HOST, port), timeout=5) as connection:
            connection.sendall(question)
            return connection.recv(64)
    except OSError:
        return b""


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that nothing uses.

    It is outside the range from which systems pick the ports of outgoing connections, so that
    nobody takes it while a killed server is down. Each process of pytest-xdist has a range of its
    own, as none of them sees a port that another has found and not yet bound.
    """
    process = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    start = FIRST_PORT + process % 8 * PORTS
    while True:
        port = start + secrets.randbelow(PORTS)
        with suppress(OSError), socket.socket() as probe:
            probe.bind((HOST, port))
            return port


def descendants(pid: int) -> list[int]:
    """Return every process below pid; none on a system without /proc."""
    children = defaultdict(list)
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            _, parent, *_ = stat.read_text().rpartition(")")[2].split()
            children[int(parent)].append(int(stat.parent.name))
    found = children[pid]
    for descendant in found:
        found += children[descendant]
    return found

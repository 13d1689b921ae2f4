"""What every server has in common: start, answer, be killed, start again."""

import fcntl
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from tools.progress import Stuck, descendants, wait_until, work

HOST = "127.0.0.1"
STOP_SECONDS = 60
FIRST_PORT, PORTS = 20_000, 12_000
LOG_LINES = 20

# They end with this process.
_claims: list[socket.socket] = []


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
        self.exit_code: int | None = None
        """How it ended the last time: below zero when it was killed."""
        self._process: subprocess.Popen[bytes] | None = None
        self._said_before = 0

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
        and does nothing any more.
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
            self._said_before = log.tell()
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
        def answers_or_ended() -> bool:
            return self.answers() or process.poll() is not None

        try:
            wait_until(answers_or_ended, f"{self.name} answers", lambda: work(process.pid))
        except Stuck as stuck:
            raise RuntimeError(f"{stuck}\n{self._log_tail()}") from stuck
        if process.returncode is not None and not self.answers():
            raise RuntimeError(f"{self.name} ended while starting:\n{self._log_tail()}")

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
        self.exit_code = process.wait()
        with self.log.open("rb") as log:
            fcntl.flock(log, fcntl.LOCK_EX)

    def work(self) -> int:
        """Return how much it has computed, which shows that it goes on."""
        return work(self._process.pid) if self._process else 0

    def said(self) -> str:
        """Return what it has logged since its last start."""
        with self.log.open("rb") as log:
            log.seek(self._said_before)
            return log.read().decode(errors="replace")

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
    """Return a TCP port of 127.0.0.1 that nothing uses, and that no other process is given.

    It is outside the range from which systems pick the ports of outgoing connections, so that
    nobody takes it while a killed server is down.
    """
    while True:
        port = FIRST_PORT + secrets.randbelow(PORTS)
        # Who holds the UDP port of that number, which no server needs, may use the TCP port.
        claim = socket.socket(type=socket.SOCK_DGRAM)
        with suppress(OSError), socket.socket() as probe:
            claim.bind((HOST, port))
            probe.bind((HOST, port))
            _claims.append(claim)
            return port
        claim.close()

"""What every server has in common: a port, and whether it keeps its data."""

import re
import secrets
import socket
import subprocess
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

from tools.process import Process

HOST = "127.0.0.1"
FIRST_PORT, PORTS = 20_000, 12_000

# They end with this process.
_claims: list[socket.socket] = []


class MissingServer(Exception):  # noqa: N818 - it is the server that is missing, no error was made
    """A server that is not installed; the message says how to install it."""


class Server(Process, ABC):
    """One server process, with its data in a folder and its port on 127.0.0.1.

    Its name is its key in `SERVERS`.

    A server can be started again after `kill` or `stop`: on the same port and, when `durable`,
    with the same data.
    """

    default_port: int
    """The port that clients try when they are told none; never the one used here."""
    durable: ClassVar[bool] = True
    """Whether its data survives `kill` and `stop`."""

    outlasts_the_machine: bool = True
    """Whether its data survives a crash of the machine, for which it waits for the disk."""

    answers_late: ClassVar[bool] = False
    """Whether a client that has just stopped may be given a message that it cannot give back."""

    def __init__(self, folder: Path) -> None:
        """Prepare a server that keeps its data and its log in folder, made if there is none.

        Raises `MissingServer` when it is not installed.
        """
        folder.mkdir(parents=True, exist_ok=True)
        super().__init__(folder)
        self.port = free_port()

    @abstractmethod
    def command(self) -> list[str]:
        """Return the command that runs the server in the foreground."""

    @abstractmethod
    def answers(self) -> bool:
        """Return whether the server serves clients right now."""

    def version(self) -> str:
        """Return what the server is and, where that is known, which version: `Redis 7.0.15`."""
        return self.name


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

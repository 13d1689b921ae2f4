"""The base class of servers: a free port, and a folder for data."""

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

# Open sockets that reserve ports until this process ends.
_claims: list[socket.socket] = []


class MissingServer(Exception):  # noqa: N818 - not an error of the program
    """Raised if a server is not installed. The message has the command that installs it."""


class Server(Process, ABC):
    """One server process, with its data in a folder and its port on 127.0.0.1.

    Its name is its key in `SERVERS`.

    A server can be started again after `kill` or `stop`: on the same port and, when `durable`,
    with the same data.
    """

    default_port: int
    """The port that clients use by default. The server uses another one."""
    durable: ClassVar[bool] = True
    """True if its data survives `kill` and `stop`."""

    outlasts_the_machine: bool = True
    """True if it waits for the disk, so that its data survives a crash of the machine."""

    answers_late: ClassVar[bool] = False
    """True if it may still deliver a message to a client that has just stopped."""

    def __init__(self, folder: Path) -> None:
        """Prepare a server with its data and its log in a folder, which is created if missing.

        Raises `MissingServer` if it is not installed.
        """
        folder.mkdir(parents=True, exist_ok=True)
        super().__init__(folder)
        self.port = free_port()

    @abstractmethod
    def command(self) -> list[str]:
        """Return the command that runs the server in the foreground."""

    @abstractmethod
    def answers(self) -> bool:
        """Return whether the server answers clients."""

    def create_database(self, name: str) -> None:
        """Create an empty database on the running server, if it has databases."""

    def version(self) -> str:
        """Return the name of the server and its version, if known: `Redis 7.0.15`."""
        return self.name


def first_number(*command: str) -> str:
    """Return the first version number that a command prints."""
    printed = subprocess.check_output(command, text=True, stderr=subprocess.STDOUT)
    found = re.search(r"\d+(\.\d+)+", printed)
    return found.group() if found else "?"


def ask(port: int, question: bytes) -> bytes:
    """Send bytes to 127.0.0.1:port, and return the first bytes of the reply, or b""."""
    try:
        with socket.create_connection((HOST, port), timeout=5) as connection:
            connection.sendall(question)
            return connection.recv(64)
    except OSError:
        return b""


def free_port() -> int:
    """Return a free TCP port of 127.0.0.1, and reserve it for this process.

    It is outside the range for outgoing connections, so that no other program takes it while a
    killed server is down.
    """
    while True:
        port = FIRST_PORT + secrets.randbelow(PORTS)
        # The UDP port of the same number, which no server needs, is the reservation.
        claim = socket.socket(type=socket.SOCK_DGRAM)
        with suppress(OSError), socket.socket() as probe:
            claim.bind((HOST, port))
            probe.bind((HOST, port))
            _claims.append(claim)
            return port
        claim.close()

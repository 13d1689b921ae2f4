"""Test servers answer, crash, restart and leave nothing behind."""

import re
import shutil
import signal
import socket
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from itertools import count
from pathlib import Path
from queue import Empty
from typing import Any

import psycopg
import pytest
from kombu.connection import Connection

from tools.generate import choices, facts
from tools.process import Process
from tools.progress import STUCK_SECONDS
from tools.servers import SERVERS, Server
from tools.servers.server import free_port
from tools.services import services

HOST = "127.0.0.1"
ROOT = Path(__file__).parents[2]
MESSAGE = "kept"
BROKERS = [facts({"broker": broker}).broker for broker in choices()["broker"]]
# The default project's server, which starts fast.
DEFAULT, *_ = services({})

START_AND_WAIT = """
import signal, sys
from pathlib import Path
from tools.servers import SERVERS

server = SERVERS[sys.argv[2]](Path(sys.argv[1]))
server.start()
print(server.port, flush=True)
signal.pause()
"""


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    with SERVERS[request.param](tmp_path) as server:
        yield server


def broker(server: Server) -> Any:
    """Return a connection to a broker. Options of other brokers are ignored."""
    url, *_ = [known.url for known in BROKERS if known.services == [server.name]]
    address = url.replace(f"localhost:{server.default_port}", f"{HOST}:{server.port}")
    options = {"is_secure": False, "wait_time_seconds": 0, "confirm_publish": True}
    return Connection(address, transport_options=options)


def database(server: Server) -> psycopg.Connection[Any]:
    return psycopg.connect(host=HOST, port=server.port, user="postgres", dbname="postgres")


def put(server: Server) -> None:
    """Store a message on the server."""
    if server.name == "postgresql":
        with database(server) as connection:
            connection.execute("CREATE TABLE messages AS SELECT %s AS body", [MESSAGE])
    else:
        with broker(server) as connection, closing(connection.SimpleQueue("queue")) as messages:
            messages.put(MESSAGE)


def get(server: Server) -> Any:
    """Return the stored message, or None."""
    if server.name == "postgresql":
        with database(server) as connection:
            [(body,)] = connection.execute("SELECT body FROM messages")
            return body
    with broker(server) as connection, closing(connection.SimpleQueue("queue")) as messages:
        try:
            return messages.get(timeout=STUCK_SECONDS if server.durable else 1).payload
        except Empty:
            return None


def processes_in(folder: Path) -> list[str]:
    """Return the ids of processes with the folder as working directory or in the environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            works_there = (process / "cwd").resolve().is_relative_to(folder)
            if works_there or bytes(folder) in (process / "environ").read_bytes():
                found.append(process.name)
    return found


@pytest.mark.exhaustive
def test_a_killed_server_starts_again_with_its_data(server: Server) -> None:
    put(server)
    port = server.port
    server.kill()
    assert not processes_in(server.folder)
    server.start()
    assert server.port == port != server.default_port
    assert get(server) == (MESSAGE if server.durable else None)


@pytest.mark.exhaustive
def test_a_server_answers_until_it_is_stopped(server: Server) -> None:
    put(server)
    server.start()
    assert get(server) == MESSAGE
    server.stop()
    assert not processes_in(server.folder)
    server.stop()


@pytest.mark.exhaustive
def test_a_kill_interrupts_a_busy_server(tmp_path: Path) -> None:
    endless = "SELECT sum(n) FROM (SELECT generate_series(1, 1000000000000)) AS numbers (n)"
    at_work = "SELECT FROM pg_stat_activity WHERE state = 'active' AND pid != pg_backend_pid()"
    with SERVERS["postgresql"](tmp_path) as server, ThreadPoolExecutor() as threads:
        with database(server) as watcher:
            work = threads.submit(database(server).execute, endless)
            watcher.autocommit = True
            while not (work.done() or watcher.execute(at_work).rowcount):
                pass
        server.kill()
        with pytest.raises(psycopg.OperationalError):
            work.result()


@pytest.mark.skipif(not shutil.which("setpriv"), reason="needs setpriv")
def test_a_server_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    SERVERS[DEFAULT](tmp_path)
    command = [sys.executable, "-c", START_AND_WAIT, str(tmp_path), DEFAULT]
    with Process(ROOT, command, log=tmp_path / "starter.log", ready="\n") as starter:
        port = int(starter.said())
        with socket.create_connection((HOST, port), timeout=STUCK_SECONDS) as connection:
            starter.send_signal(signal.SIGKILL)
            # A server that ends before it has accepted the connection resets it.
            with suppress(ConnectionResetError):
                assert connection.recv(1) == b""


@pytest.mark.exhaustive
def test_a_server_reports_its_version(server: Server) -> None:
    assert re.fullmatch(r"\w+ \d+(\.\d+)+", server.version())


def test_a_port_found_by_another_process_is_not_found_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = "import signal; from tools.servers.server import *; print(free_port()); signal.pause()"
    command = [sys.executable, "-u", "-c", find]
    with Process(ROOT, command, log=tmp_path / "log", ready="\n") as other:
        found = int(other.said())
        monkeypatch.setattr("tools.servers.server.FIRST_PORT", found)
        numbers = count()
        monkeypatch.setattr("secrets.randbelow", lambda _: next(numbers))
        assert free_port() > found

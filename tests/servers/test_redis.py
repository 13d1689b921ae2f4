"""Redis as a test server."""

import socket
from pathlib import Path

import pytest
import yaml

from tools.generate import render
from tools.servers import SERVERS
from tools.servers.server import HOST


def test_a_server_that_cannot_start_shows_its_log(tmp_path: Path) -> None:
    server = SERVERS["redis"](tmp_path)
    with socket.socket() as other:
        other.bind((HOST, server.port))
        with pytest.raises(RuntimeError, match="Address already in use"):
            server.start()


def test_redis_runs_with_the_flags_of_the_container(tmp_path: Path) -> None:
    composed = yaml.safe_load(render({"broker": "redis", "docker": True})["compose.yaml"])
    flags = composed["services"]["redis"]["command"].split()[1:]
    assert "--appendonly" in flags
    command = SERVERS["redis"](tmp_path).command()
    assert " ".join(flags) in " ".join(command)

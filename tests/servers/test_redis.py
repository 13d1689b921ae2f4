"""Redis, as the tests run it."""

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


def test_redis_keeps_its_data_as_that_of_a_project_in_containers_does(tmp_path: Path) -> None:
    composed = yaml.safe_load(render({"broker": "redis", "docker": True})["compose.yaml"])
    flags = composed["services"]["redis"]["command"].split()[1:]
    assert "--appendonly" in flags
    command = SERVERS["redis"](tmp_path).command()
    assert " ".join(flags) in " ".join(command)

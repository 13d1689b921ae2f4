"""Each broker with each result backend and database: the project's own tests pass on them."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from tests.make import make
from tools.combinations import Combination, every
from tools.generate import choices, generate
from tools.servers import SERVERS, MissingServer, Server
from tools.services import chosen, create_database, point_at, services

StartServers = Callable[[list[str]], list[Server]]


def projects() -> Iterator[ParameterSet]:
    """Yield every broker with every result backend and database, as parameters of a test.

    The other answers change from one to the next, each at a pace of its own, so that they meet.
    """
    offered = choices()
    pairs = set()
    for number, answers in enumerate(every("broker", "result_backend", "database")):
        answers = answers | {
            "project_slug": f"project_{number}",
            "flower": chosen(answers)["broker"].events,
        }
        for pace, key in enumerate(("django", "scheduler", "demo"), start=1):
            answers[key] = offered[key][number // pace % len(offered[key])]
        pair = answers["broker"], answers["result_backend"]
        # `make test` runs each pair on one database, SQLite and PostgreSQL in turn.
        second = pair in pairs
        pairs.add(pair)
        marks = [pytest.mark.exhaustive] if second else []
        yield pytest.param(answers, id=name(answers), marks=marks)


def name(answers: Combination) -> str:
    return "-".join(str(answers[key]) for key in ("broker", "result_backend", "database"))


@pytest.fixture(scope="session")
def start_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartServers]:
    """Starts what is named, unless an earlier test did; all run until the last test is done."""
    running: dict[str, Server] = {}

    def start(names: list[str]) -> list[Server]:
        for name in names:
            if name not in running:
                try:
                    server = SERVERS[name](tmp_path_factory.mktemp(name))
                except MissingServer as missing:
                    if os.environ.get("CI") == "true":
                        pytest.fail(str(missing))
                    pytest.skip(str(missing))
                server.start()
                running[name] = server
        return [running[name] for name in names]

    yield start
    for server in running.values():
        server.stop()


@pytest.mark.parametrize("answers", list(projects()))
def test_a_project_passes_its_own_tests(
    answers: Combination, start_servers: StartServers, tmp_path: Path
) -> None:
    servers = start_servers(services(answers))
    project = generate(answers, tmp_path)
    point_at(project, servers)
    for server in servers:
        if server.name == "postgresql":
            create_database(server, str(answers["project_slug"]))
    make(project, "install", "test")
    shutil.rmtree(project)

"""Each broker with each result backend and database: the project's own tests pass on them."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tools.combinations import Combination, every
from tools.generate import choices, generate
from tools.servers import SERVERS, MissingServer, Server
from tools.services import create_database, point_at, services

MINUTES = 5
StartServers = Callable[[list[str]], list[Server]]


def projects() -> list[Combination]:
    """Return every pair of broker and result backend on every database.

    The other answers change from one to the next, each at a pace of its own, so that they meet.
    """
    combinations = every("broker", "result_backend", "database")
    offered = choices()
    others = ("django", "scheduler", "demo")
    for number, answers in enumerate(combinations):
        for pace, key in enumerate(others, start=1):
            answers = answers | {key: offered[key][number // pace % len(offered[key])]}
        combinations[number] = answers | {
            "project_slug": f"project_{number}",
            "flower": answers["broker"] in ("redis", "rabbitmq"),
        }
    return combinations


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


def make(project: Path, *targets: str) -> None:
    """Run the project's own commands. Fails the test with what they printed, if one fails."""
    environment = {key: value for key, value in os.environ.items() if key != "VIRTUAL_ENV"}
    run = subprocess.run(
        ["make", *targets],
        cwd=project,
        env=environment | {"CI": "true"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=MINUTES * 60,
        check=False,
    )
    assert run.returncode == 0, f"make {' '.join(targets)} failed:\n{run.stdout}"


@pytest.mark.parametrize("answers", projects(), ids=name)
def test_a_project_passes_its_own_tests(
    answers: Combination, start_servers: StartServers, tmp_path: Path
) -> None:
    servers = start_servers(services(answers))
    project = generate(answers, tmp_path)
    point_at(project, servers)
    for server in servers:
        if server.name == "postgresql":
            create_database(server, str(answers["project_slug"]))
    make(project, "install")
    make(project, "test")
    shutil.rmtree(project)

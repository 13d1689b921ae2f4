"""Each broker with each result backend: the project's own tests pass on them."""

import os
import shlex
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from _pytest.mark import ParameterSet

from tests.make import make, run
from tools.combinations import Combination, every
from tools.generate import choices, generate
from tools.servers import SERVERS, MissingServer, Server
from tools.servers.server import HOST
from tools.services import chosen, create_database, point_at, services

StartServers = Callable[[list[str]], list[Server]]


def projects() -> Iterator[ParameterSet]:
    """Yield every broker with every result backend, as parameters of a test.

    The other answers change from one to the next, each at a pace of its own, so that they meet.
    `make test` runs few of them, with each broker and each result backend.
    """
    offered = choices()
    pairs = defaultdict(list)
    for answers in every("broker", "result_backend", "database"):
        pairs[answers["broker"], answers["result_backend"]].append(answers)
    for number, ((broker, result_backend), databases) in enumerate(pairs.items()):
        answers = databases[number % len(databases)] | {
            "project_slug": f"project_{number}",
            "flower": chosen(databases[0])["broker"].events,
        }
        for pace, key in enumerate(("django", "scheduler", "demo", "observability"), start=1):
            answers[key] = offered[key][number // pace % len(offered[key])]
        # What CI runs takes longer: two show it.
        answers["ci"] = ("github", "gitlab", "none")[min(number, 2)]
        brokers, results = offered["broker"], offered["result_backend"]
        diagonal = brokers.index(broker) + results.index(result_backend)
        marks = [pytest.mark.exhaustive] if diagonal % len(brokers) else []
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
    if answers["ci"] == "none":
        make(project, "install", "test")
    else:
        # CI insists on a lock that is committed.
        run(project, "uv", "lock", "--quiet")
        script, variables = ci(project, servers)
        assert script[-1] == "make test"
        for line in script:
            run(project, *shlex.split(line), **variables)
    shutil.rmtree(project)


def ci(project: Path, servers: list[Server]) -> tuple[list[str], dict[str, str]]:
    """Return what the project's CI runs, line by line, and the variables it sets, for servers."""
    if (project / ".gitlab-ci.yml").exists():
        job = yaml.safe_load((project / ".gitlab-ci.yml").read_text())["check"]
        script, given = job["script"], job["variables"]
    else:
        workflow = yaml.safe_load((project / ".github/workflows/ci.yml").read_text())
        job = workflow["jobs"]["check"]
        script, given = [step["run"] for step in job["steps"] if "run" in step], job["env"]
    variables = {}
    for name, value in given.items():
        variables[name] = str(value).replace("$CI_PROJECT_DIR", str(project))
        for server in servers:
            address = f"{server.name}:{server.default_port}"
            variables[name] = variables[name].replace(address, f"{HOST}:{server.port}")
    return script, variables

"""Projects pass their own tests and the machinery's, on each broker with each result backend."""

import os
import re
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from _pytest.mark import ParameterSet

from tests.helpers.machinery import add_machinery_tests, machinery_tests
from tests.helpers.make import make, run
from tests.helpers.origin import commit
from tools.combinations import Combination, every
from tools.generate import ROOT, choices, generate
from tools.servers import SERVERS, Server
from tools.servers.server import HOST
from tools.services import chosen, point_at, services

# The number of the project without the demo.
WITHOUT_THE_DEMO = 7
# Slow tests of the machinery. `make test-all` runs them on one project of each broker.
SLOW = (
    "test_beat_admin",
    "test_broadcasts",
    "test_doctor*",
    "test_expiry",
    "test_flower",
    "test_heartbeat",
    "test_no_workers",
    "test_rate_limits",
    "test_retries",
    "test_schedule_file",
    "test_slow_worker",
    "test_sqs_errors",
    "test_statedb",
    "test_thumbnail_cache",
    "test_time_limits",
)
# Tests of the machinery that depend little on the pair of broker and result backend. `make test`
# runs those that are not slow on the default project, `make test-all` all on one of each broker.
OF_NO_PAIR = (
    *SLOW,
    "test_applied",
    "test_canvas",
    "test_checks",
    "test_checks_addresses",
    "test_checks_schedule",
    "test_dead_letters",
    "test_early_delays",
    "test_environment",
    "test_leases",
    "test_logs",
    "test_priorities",
    "test_priority",
    "test_production",
    "test_revoking",
    "test_task_priorities",
    "test_topic",
    "test_topics",
    "test_waiting",
    "test_workers",
)

StartServers = Callable[[list[str]], list[Server]]


def projects() -> Iterator[ParameterSet]:
    """Yield every broker with every result backend, and the tests to leave out.

    The other answers change at different rates, so that many combinations occur. All projects but
    one have the demo. `make test` runs one project on each broker, the default project first.
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
        for pace, key in enumerate(("scheduler", "observability"), start=2):
            answers[key] = offered[key][number // pace % len(offered[key])]
        # One project shows that the other tests do not need the demo.
        answers["demo"] = number != WITHOUT_THE_DEMO
        row, column = (
            offered["broker"].index(broker),
            offered["result_backend"].index(result_backend),
        )
        # The commands of CI take longer, so each choice of CI occurs once.
        answers["ci"] = offered["ci"][row] if row == column and row < len(offered["ci"]) else "none"
        # Each result backend occurs with every version of Django.
        versions = offered["django"]
        answers["django"] = versions[(row + column // 2) % len(versions)]
        if row != column:
            exhaustive = pytest.mark.exhaustive
            yield pytest.param(answers, OF_NO_PAIR, id=name(answers), marks=exhaustive)
        else:
            left_out = SLOW if number == 0 else OF_NO_PAIR
            yield pytest.param(answers, left_out, id=name(answers))
            # On the same servers, perhaps.
            whole = answers | {"project_slug": f"whole_{number}", "demo": True}
            yield pytest.param(whole, (), id=f"{name(answers)}-whole", marks=pytest.mark.exhaustive)
    # SQLite allows one writer at a time, and each task of Django's own API writes another row.
    # Without a scheduler, workers remove old results.
    busy: Combination = {"result_backend": "django-db", "database": "sqlite", "scheduler": "none"}
    busy |= {
        "broker": offered["broker"][0],
        "django": offered["django"][0],
        "demo": True,
        "project_slug": "busy",
        "ci": "none",
    }
    yield pytest.param(busy, OF_NO_PAIR, id=name(busy), marks=[pytest.mark.exhaustive])


def test_each_test_of_the_machinery_runs_on_each_broker_that_it_applies_to() -> None:
    apply: dict[Any, set[str]] = defaultdict(set)
    run: dict[Any, set[str]] = defaultdict(set)
    rows: list[Any] = [row.values for row in projects()]
    for answers, left_out in rows:
        paths = [Path(path) for path in machinery_tests(answers)]
        ran = {path.name for path in paths if not any(map(path.match, ignored(left_out)))}
        apply[answers["broker"]] |= {path.name for path in paths}
        run[answers["broker"]] |= ran
    # A whole project has one scheduler.
    of_a_scheduler = {"test_beat_admin.py", "test_schedule_file.py"}
    assert {broker: apply[broker] - run[broker] - of_a_scheduler for broker in apply} == {
        broker: set() for broker in choices()["broker"]
    }
    assert {path.name for path in (ROOT / "tests/project").rglob("*.py")} <= set().union(
        *run.values()
    )


def ignored(left_out: tuple[str, ...]) -> list[str]:
    """Return the patterns of paths of these tests."""
    return [f"*/{file}.py" for file in left_out]


@pytest.mark.parametrize("question", ["broker", "result_backend", "scheduler"])
def test_the_demo_meets_every_choice(question: str) -> None:
    defaults = {question: offered[0] for question, offered in choices().items() if offered}
    made: list[Any] = [row.values[0] for row in projects()]
    rows = [defaults | answers for answers in made]
    assert {answers["demo"] for answers in rows} == {True, False}
    assert {answers[question] for answers in rows if answers["demo"]} == set(choices()[question])


def test_each_broker_has_one_project_in_make_test() -> None:
    rows: list[Any] = [row.values[0] for row in projects() if not row.marks]
    assert [answers["broker"] for answers in rows] == list(choices()["broker"])


def name(answers: Combination) -> str:
    return "-".join(str(answers[key]) for key in ("broker", "result_backend", "database"))


@pytest.fixture(scope="session")
def start_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartServers]:
    """Return a function that starts servers by name. They run until the last test is done."""
    running: dict[str, Server] = {}

    def start(names: list[str]) -> list[Server]:
        for name in names:
            if name not in running:
                server = SERVERS[name](tmp_path_factory.mktemp(name))
                server.outlasts_the_machine = False
                server.start()
                running[name] = server
        return [running[name] for name in names]

    yield start
    for server in running.values():
        server.stop()


@pytest.mark.parametrize(("answers", "left_out"), list(projects()))
def test_a_project_passes_its_own_tests(
    answers: Combination, left_out: tuple[str, ...], start_servers: StartServers, tmp_path: Path
) -> None:
    servers = start_servers(services(answers))
    project = generate(answers, tmp_path)
    add_machinery_tests(project, answers)
    if answers["django"] == choices()["django"][-1]:
        # The oldest Python that projects allow.
        (project / ".python-version").write_text("3.12\n")
    point_at(project, servers)
    for server in servers:
        server.create_database(str(answers["project_slug"]))
    options = " ".join(f"--ignore-glob='{pattern}'" for pattern in ignored(left_out))
    if answers["ci"] == "none":
        make(project, "install", "test", PYTEST_ADDOPTS=options)
    else:
        # CI needs a committed lock file.
        run(project, "uv", "lock", "--quiet")
        commit(project)
        docker = stub(tmp_path / "bin" / "docker")
        script, variables = ci(project, servers)
        for line in script:
            run(
                project,
                "sh",
                "-ec",
                line,
                PATH=f"{docker.parent}:{os.environ['PATH']}",
                PYTEST_ADDOPTS=options,
                **variables,
            )
        assert {"make test", "make image", "make outdated"} <= set(script)
        (built,) = (docker.parent / "asked").read_text().splitlines()
        assert re.fullmatch(r"build --tag [a-z0-9-]+ \.", built)
    shutil.rmtree(project)


def stub(program: Path) -> Path:
    """Write a program that records its arguments in the file `asked` next to it."""
    program.parent.mkdir()
    program.write_text('#!/bin/sh\necho "$@" >> "$(dirname "$0")/asked"\n')
    program.chmod(0o755)
    return program


def ci(project: Path, servers: list[Server]) -> tuple[list[str], dict[str, str]]:
    """Return the script lines of the project's CI, and its variables for these servers.

    Jobs that push to the repository are left out.
    """
    if (project / ".gitlab-ci.yml").exists():
        pipeline = yaml.safe_load((project / ".gitlab-ci.yml").read_text())
        jobs = [pipeline[name] for name in ("check", "build", "template")]
        script = [line for job in jobs for line in job["script"]]
        given = jobs[0]["variables"]
    else:
        workflow = yaml.safe_load((project / ".github/workflows/ci.yml").read_text())
        jobs = [*workflow["jobs"].values()]
        script = [step["run"] for job in jobs for step in job["steps"] if "run" in step]
        given = jobs[0]["env"]
    variables = {}
    for name, value in given.items():
        variables[name] = str(value).replace("$CI_PROJECT_DIR", str(project))
        for server in servers:
            address = f"{server.name}:{server.default_port}"
            variables[name] = variables[name].replace(address, f"{HOST}:{server.port}")
    return script, variables

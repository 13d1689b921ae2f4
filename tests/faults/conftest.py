"""A project for each broker, and the table of what each fault did on each."""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from tests.faults.site import PROCESSES, Outcome, Site
from tests.make import run
from tools.generate import Answers, generate
from tools.servers import MissingServer

HERE = Path(__file__).parent

Record = Callable[..., Outcome]


def answers(broker: str) -> Answers:
    """Return the answers for a project whose broker, database and results are kept apart."""
    return {
        "broker": broker,
        "result_backend": "redis",
        "database": "postgresql",
        "demo": False,
        "flower": False,
    }


@pytest.fixture(scope="session")
def projects(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Make a project on a broker, once."""
    made: dict[str, Path] = {}

    def make(broker: str) -> Path:
        if broker not in made:
            answers = {"broker": broker, "result_backend": "redis", "database": "postgresql"}
            project = generate(
                answers | {"demo": False, "flower": False}, tmp_path_factory.mktemp(broker)
            )
            shutil.copy(HERE / "tasks.py", project / "tests" / "faults.py")
            shutil.copy(HERE / "web.py", project / "tests" / "web.py")
            run(project, "uv", "sync", "--quiet")
            made[broker] = project
        return made[broker]

    return make


@pytest.fixture
def site(
    request: pytest.FixtureRequest, projects: Callable[[str], Path], tmp_path: Path
) -> Iterator[Site]:
    """A project that runs, on the broker that is the test's parameter."""
    try:
        site = Site(projects(request.param), request.param, tmp_path)
    except MissingServer as missing:
        if os.environ.get("CI") == "true":
            pytest.fail(str(missing))
        pytest.skip(str(missing))
    try:
        site.start()
        yield site
    finally:
        site.stop()


@pytest.fixture
def nothing_is_lost(
    request: pytest.FixtureRequest, site: Site, record_property: Callable[[str, object], None]
) -> Record:
    """Proves what became of tasks, and notes it for the table."""

    def record(sent: int, fault: float, repeats: int = PROCESSES) -> Outcome:
        outcome = site.outcome(sent, fault)
        name = request.node.originalname.removeprefix("test_").replace("_", " ")
        record_property("outcome", {"fault": name, "broker": site.name, **asdict(outcome)})
        assert outcome.lost == 0
        assert outcome.repeated <= repeats
        return outcome

    return record

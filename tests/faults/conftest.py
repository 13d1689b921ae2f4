"""A project for each broker, and fixtures that record the table of faults."""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict
from pathlib import Path

import pytest

from tests.faults import OWN_SERVER
from tests.faults.site import IN_FLIGHT, PROCESSES, Outcome, Site, site_answers
from tests.helpers.make import run
from tools.generate import Answer, Answers, generate

HERE = Path(__file__).parent

Record = Callable[..., Outcome]
Note = Callable[[], AbstractContextManager[None]]


@pytest.fixture(scope="session")
def projects(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Answers], Path]:
    """Return a function that generates a project from answers, once."""
    made: dict[tuple[Answer, ...], Path] = {}

    def make(answers: Answers) -> Path:
        key = tuple(answers.values())
        if key not in made:
            project = generate(answers, tmp_path_factory.mktemp("project"))
            shutil.copy(HERE / "tasks.py", project / "tests" / "faults.py")
            shutil.copy(HERE / "web.py", project / "tests" / "web.py")
            run(project, "uv", "sync", "--quiet")
            run(project, "uv", "pip", "install", "--quiet", "gevent")
            made[key] = project
        return made[key]

    return make


@pytest.fixture
def site(
    request: pytest.FixtureRequest,
    projects: Callable[[Answers], Path],
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> Iterator[Site]:
    """Run a project on the broker and result backend of the test's parameter."""
    broker, _, result_backend = request.param.partition(", ")
    answers = site_answers(broker, result_backend or OWN_SERVER)
    site = Site(projects(answers), request.param, answers, tmp_path)
    try:
        site.start()
        for server in site.servers:
            record_property("server", server.version())
        for package in ("celery", "kombu"):
            installed = f"from importlib.metadata import version; print(version({package!r}))"
            version = site.python("-c", installed).strip()
            record_property("server", f"{package.capitalize()} {version}")
        yield site
    finally:
        site.stop()


@pytest.fixture
def nothing_is_lost(
    request: pytest.FixtureRequest, site: Site, record_property: Callable[[str, object], None]
) -> Record:
    """Return a function that waits for empty queues, checks the tasks and records the outcome."""

    def record(sent: int, fault: float, repeats: int = PROCESSES) -> Outcome:
        site.wait_until_nothing_is_queued()
        outcome = site.outcome(sent, fault)
        record_property("outcome", row(request, site, outcome))
        assert sent - site.finished_before(fault) >= IN_FLIGHT
        assert outcome.lost == 0
        assert outcome.repeated <= repeats or site.stood_still()
        return outcome

    return record


@pytest.fixture
def note_seconds(
    request: pytest.FixtureRequest, site: Site, record_property: Callable[[str, object], None]
) -> Note:
    """Return a context manager that records how long a visitor waited."""

    @contextmanager
    def note() -> Iterator[None]:
        start = time.monotonic()
        yield
        waited = time.monotonic() - start
        outcome = Outcome(sent=0, completed=0, lost=0, repeated=0, seconds=waited)
        record_property("outcome", row(request, site, outcome))

    return note


def row(request: pytest.FixtureRequest, site: Site, outcome: Outcome) -> dict[str, object]:
    """Return a row of the table."""
    name = request.node.originalname.removeprefix("test_").replace("_", " ")
    return {"fault": name, "broker": site.name, **asdict(outcome)}

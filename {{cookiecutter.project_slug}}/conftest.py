"""Fixtures for every app's tests: a real worker, on the project's own broker, for all of them."""

from collections.abc import Iterator
from pathlib import Path

import kombu.pools
import pytest
from celery import Celery
from celery.signals import before_task_publish

from config import celery_app
from tests import NAME, SECONDS, WORKER, Notes, Process, is_idle, wait_until


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give tests with a worker a database, which pytest-django creates only on request."""
    for item in items:
        names = getattr(item, "fixturenames", ())
        if "celery" in names and not item.get_closest_marker("django_db"):
            item.add_marker(pytest.mark.django_db(transaction=True))


@pytest.fixture(scope="session")
def celery(django_db_setup: None) -> Iterator[Celery]:
    """Return the project's Celery app, once its broker answers and has no old tasks."""
    with celery_app.connection_for_write() as connection:
        try:
            connection.ensure_connection(max_retries=1, timeout=SECONDS)
            celery_app.control.purge(connection)
        except Exception as error:
            reason = f"The broker does not answer at {connection.as_uri()} ({error})."
            pytest.exit(f"{reason} Start it with `make dev` or `make services`.", returncode=1)
    yield celery_app
    # The database of the tests can be removed only when nothing is connected to it.
    kombu.pools.reset()


@pytest.fixture(scope="session")
def worker(celery: Celery, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """Run a worker with two processes, which reads every queue."""
    log = tmp_path_factory.mktemp("worker") / "worker.log"
    process = Process(log, *WORKER, "--concurrency", "2", "--hostname", NAME)
    try:
        process.wait_for_line("ready.")
        yield process
    finally:
        process.stop()


@pytest.fixture(autouse=True)
def nothing_is_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """Wait for all tasks that a test sent, before the database is emptied for the next test."""
    sent = []

    def note(sender: str, **kwargs: object) -> None:
        sent.append(sender)

    before_task_publish.connect(note)
    yield
    before_task_publish.disconnect(note)
    if sent and "worker" in request.fixturenames:
        wait_until(is_idle, f"the worker to finish {sent}")


@pytest.fixture
def notes(tmp_path: Path) -> Notes:
    return Notes(tmp_path / "notes")

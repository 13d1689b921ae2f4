"""A project's tests can run in several processes with pytest-xdist."""

from pathlib import Path

import pytest

from tests.helpers.make import run
from tools.servers.redis import Redis
from tools.servers.server import HOST
from tools.trial.processes import python

# The tests share one project.
pytestmark = pytest.mark.xdist_group("apart")


@pytest.mark.exhaustive
def test_each_process_has_its_own_database_queues_and_worker(project: Path, tmp_path: Path) -> None:
    run(project, "uv", "pip", "install", "--quiet", "pytest-xdist")
    with Redis(tmp_path) as server:
        variables = {
            "DATABASE_URL": "sqlite:///processes.sqlite3",
            "QUEUE_PREFIX": "processes",
            "CELERY_BROKER_URL": f"redis://{HOST}:{server.port}/0",
            "CELERY_RESULT_BACKEND": f"redis://{HOST}:{server.port}/0",
        }
        run(project, python(project), "-m", "pytest", "--numprocesses", "4", **variables)

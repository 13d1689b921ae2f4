"""A project's tests can run in several processes with pytest-xdist."""

from pathlib import Path

import pytest

from tests.helpers.apart import make_project
from tests.helpers.make import run
from tools.services import serve
from tools.trial.processes import python


@pytest.mark.exhaustive
def test_each_process_has_its_own_database_queues_and_worker(tmp_path: Path) -> None:
    project = make_project({}, tmp_path)
    run(project, "uv", "pip", "install", "--quiet", "pytest-xdist")
    with serve(project, {}, tmp_path):
        run(project, python(project), "-m", "pytest", "--numprocesses", "4")

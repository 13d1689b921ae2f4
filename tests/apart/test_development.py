"""Tests that would run in the database of development do not begin."""

import subprocess
from pathlib import Path

import pytest

from tools.process import inherited
from tools.servers.server import HOST
from tools.trial.processes import python

# One process makes the project.
pytestmark = pytest.mark.xdist_group("apart")

URL = f"postgres://postgres:postgres@{HOST}:1/"


@pytest.mark.parametrize(
    "url",
    ["sqlite://", f"{URL}shop?dbname=shop"],
)
def test_where_the_database_would_be_that_of_development_nothing_is_opened(
    url: str, project: Path
) -> None:
    refused = subprocess.run(
        [python(project), "-m", "pytest", "tests/test_probe.py"],
        cwd=project,
        env=inherited() | {"DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=False,
    )
    assert refused.returncode
    (line,) = (refused.stdout + refused.stderr).splitlines()
    assert line.startswith("ERROR: ")

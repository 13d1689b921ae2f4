"""Tests refuse to run in the development database."""

import subprocess
from pathlib import Path

import pytest

from tools.process import inherited
from tools.trial.processes import python

# The tests share one project.
pytestmark = pytest.mark.xdist_group("apart")


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///shop?database=shop"])
def test_tests_do_not_start_in_the_development_database(url: str, project: Path) -> None:
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
    assert line.startswith("ERROR: DATABASE_URL must end in the name of a database")

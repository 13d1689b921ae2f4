"""A project with development data, and a test to run beside it."""

import os
import subprocess
from pathlib import Path

from tests.helpers.make import run
from tools.generate import generate
from tools.trial.processes import python

# Checks that a worker and other processes use the same test database.
PROBE = """
import subprocess
import sys

from django.contrib.auth import get_user_model
from django.db import connection

from config.env import BASE_DIR
from tests import SECONDS, Process
from tests.tasks import add

NAME = "from django.db import connection; print(connection.settings_dict['NAME'])"


def test_a_task_runs(worker: Process) -> None:
    assert add.delay(2, 3).get(timeout=SECONDS) == 5
    command = [sys.executable, "manage.py", "shell", "--verbosity", "0", "--command", NAME]
    name = subprocess.check_output(command, cwd=BASE_DIR, text=True)
    assert name.strip() == str(connection.settings_dict["NAME"])
    assert not get_user_model().objects.exists()
"""
# Creates a user and a queued task.
BEGIN = """
from django.contrib.auth import get_user_model
from task_queue.doctor import answer

get_user_model().objects.create_user("ada")
answer.delay("00000000-0000-0000-0000-000000000000")
"""
USERS = """
from django.contrib.auth import get_user_model

print(*get_user_model().objects.values_list("username", flat=True))
"""


def make_project(answers: dict[str, str | bool], folder: Path) -> Path:
    project = generate({"demo": False, "flower": False, "ci": "none", **answers}, folder)
    (project / "tests/test_probe.py").write_text(PROBE)
    run(project, "uv", "sync", "--quiet")
    return project


def shell(project: Path, code: str, **variables: str) -> str:
    """Run code in a project with its development settings, and return its output."""
    command = [python(project), "manage.py", "shell", "--verbosity", "0", "--command", code]
    return subprocess.check_output(command, cwd=project, env=os.environ | variables, text=True)


def develop(project: Path, **variables: str) -> None:
    """Create development data that tests must not touch."""
    run(project, python(project), "manage.py", "migrate", "--verbosity", "0", **variables)
    shell(project, BEGIN, **variables)

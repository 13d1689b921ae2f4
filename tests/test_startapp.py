"""A new app's tasks are found with nothing else to edit, as the generated README says."""

import subprocess
from pathlib import Path

import pytest

from tests.make import make
from tools.generate import generate
from tools.trial.processes import python

TASK = """
from celery import shared_task

from config.tasks import RetriedTask


@shared_task(base=RetriedTask)
def send_report(report_id: int) -> None: ...
"""
NAMES = """
from config import celery_app

celery_app.loader.import_default_modules()
print(*celery_app.tasks)
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = generate({}, tmp_path_factory.mktemp("startapp"))
    make(project, "install")
    return project


def run(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [python(project), *arguments]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)


def test_the_tasks_of_a_new_app_are_found(project: Path) -> None:
    assert run(project, "manage.py", "startapp", "reports").returncode == 0
    (project / "reports" / "tasks.py").write_text(TASK)
    assert "reports.tasks.send_report" in run(project, "-c", NAMES).stdout.split()
    assert run(project, "manage.py", "check").returncode == 0
    make(project, "format", "lint")


def test_an_app_whose_name_cannot_be_is_entered_nowhere(project: Path) -> None:
    settings = project / "config" / "settings" / "base.py"
    before = settings.read_text()
    assert run(project, "manage.py", "startapp", "two-words").returncode == 1
    assert settings.read_text() == before

"""Django's own tests of its task API, run against the backend of a generated project.

They are only in Django's source, and use its two backends: one stores tasks, the other runs them
immediately. The project's backend replaces both.
"""

import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.helpers.machinery import add_machinery_tests
from tests.helpers.make import make
from tools.generate import ROOT, generate
from tools.process import inherited
from tools.services import serve

PAGE = ROOT / "docs" / "tasks-api.md"

DUMMY = '''
"""The project's backend in place of Django's dummy backend, which only stores tasks."""

from task_queue.django_tasks import CeleryBackend


class DummyBackend(CeleryBackend):
    def __init__(self, alias, params):
        super().__init__(alias, params)
        self.supports_get_result = self.supports_priority = True
        self.results = []

    def enqueue(self, task, args, kwargs):
        self.results.append(super().enqueue(task, args, kwargs))
        return self.results[-1]

    def clear(self):
        self.results.clear()
'''
IMMEDIATE = '''
"""The project's backend in place of Django's immediate backend: it waits for the result."""

import time

from task_queue.django_tasks import CeleryBackend


class ImmediateBackend(CeleryBackend):
    def __init__(self, alias, params):
        super().__init__(alias, params)
        self.supports_get_result = self.supports_priority = True

    def enqueue(self, task, args, kwargs):
        result = super().enqueue(task, args, kwargs)
        deadline = time.monotonic() + 240
        while not result.is_finished:
            assert time.monotonic() < deadline, "The task does not end."
            time.sleep(0.02)
            result.refresh()
        return result
'''
INTERRUPTED_TASKS = """
import os
import signal
import time

from django.tasks import task


@task(takes_context=True)
def die_once(context):
    if context.attempt == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return context.attempt


@task
def sleep_on():
    while True:
        try:
            time.sleep(1)
        except Exception:
            pass
"""
INTERRUPTED = """
import pytest
from interrupted import die_once, sleep_on

from tests import wait_until
from tests.test_task_results import wait_until_finished

pytestmark = [pytest.mark.usefixtures("worker"), pytest.mark.django_db(transaction=True)]


def test_a_task_whose_process_died_knows_that_it_was_started_twice():
    result = wait_until_finished(die_once.enqueue())
    assert (result.return_value, result.attempts, len(result.worker_ids)) == (2, 2, 2)


def test_a_task_that_is_killed_at_its_time_limit_has_failed():
    result = wait_until_finished(sleep_on.enqueue())
    assert result.status == "FAILED"
    assert [error.exception_class.__name__ for error in result.errors] == ["TimeLimitExceeded"]
"""
WORKER = """
import pytest


@pytest.fixture(autouse=True, scope="session")
def servers({}):
    pass
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Run the default project's broker, and copy Django's own tests into its folder `tasks`."""
    folder = tmp_path_factory.mktemp("task_api")
    answers = {"demo": False, "docker": False, "flower": False}
    project = generate(answers, folder)
    with serve(project, answers, folder):
        add_machinery_tests(project, answers)
        make(project, "install")
        shutil.copytree(django_tests(project, folder), project / "tasks")
        yield project


def django_tests(project: Path, folder: Path) -> Path:
    """Download the source of the project's Django, and return the folder of its task tests."""
    lock = tomllib.loads((project / "uv.lock").read_text(encoding="utf-8"))
    [version] = [package["version"] for package in lock["package"] if package["name"] == "django"]
    pip = ["uvx", "--python", sys.executable, "pip", "download", "--no-deps", "--no-binary=:all:"]
    subprocess.run([*pip, f"django=={version}", "--dest", str(folder)], check=True)
    with tarfile.open(folder / f"django-{version}.tar.gz") as source:
        source.extractall(folder, filter="data")
    return folder / f"django-{version}" / "tests" / "tasks"


def run_tests(project: Path, fixture: str, *paths: str, **environment: str) -> dict[str, bool]:
    """Run tests with the fixture `celery` or `worker`, and return which of them pass."""
    (project / "tasks" / "conftest.py").write_text(WORKER.format(fixture), encoding="utf-8")
    report = project / "report.xml"
    options = ["--junitxml", str(report), *paths]
    # pytest shows the output if the test fails.
    subprocess.run(
        ["uv", "run", "python", "-m", "pytest", *options],
        cwd=project,
        env=inherited() | environment,
        check=False,
    )
    passed: dict[str, bool] = {}
    for case in ElementTree.parse(report).iter("testcase"):
        name = f"{case.attrib['classname'].rpartition('.')[2]}.{case.attrib['name']}"
        passed[name] = passed.get(name, True) and not len(case)
    return passed


def put_in_place(project: Path, module: str, backend: str, code: str) -> str:
    """Replace a backend with this code in a module of Django's tests, and return its path."""
    (project / f"our_{backend}.py").write_text(code, encoding="utf-8")
    path = project / "tasks" / f"{module}.py"
    text = path.read_text(encoding="utf-8")
    text = text.replace(f"django.tasks.backends.{backend}", f"our_{backend}")
    path.write_text(text, encoding="utf-8")
    return f"tasks/{module}.py"


@pytest.mark.exhaustive
@pytest.mark.xdist_group("task_api")
def test_the_page_lists_which_of_djangos_own_tests_pass(project: Path) -> None:
    modules = ("test_dummy_backend", "test_tasks")
    waiting = [put_in_place(project, module, "dummy", DUMMY) for module in modules]
    running = put_in_place(project, "test_immediate_backend", "immediate", IMMEDIATE)
    passed = run_tests(project, "celery", *waiting) | run_tests(project, "worker", running)
    failed = {name for name, well in passed.items() if not well}
    page = PAGE.read_text(encoding="utf-8")
    assert failed == set(re.findall(r"`(\w+TestCase\.test_\w+)`", page))
    assert f"{len(passed) - len(failed)} of {len(passed)} pass" in page


@pytest.mark.exhaustive
@pytest.mark.xdist_group("task_api")
def test_an_interrupted_task_has_the_right_result(project: Path) -> None:
    (project / "interrupted.py").write_text(INTERRUPTED_TASKS, encoding="utf-8")
    (project / "tasks" / "test_interrupted.py").write_text(INTERRUPTED, encoding="utf-8")
    limits = {"CELERY_TASK_SOFT_TIME_LIMIT": "8", "CELERY_TASK_TIME_LIMIT": "10"}
    passed = run_tests(project, "worker", "tasks/test_interrupted.py", **limits)
    assert list(passed.values()) == [True, True]

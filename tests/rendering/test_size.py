"""A project is small and complete."""

import re

import pytest

from tests.helpers.machinery import machinery_tests
from tests.helpers.rendered import File, Project

# One process renders everything, to reuse compiled templates.
pytestmark = pytest.mark.xdist_group("rendering")

# Limits for a project without the demo.
FILES = 75
LINES_OF_PYTHON = 3011


def test_a_project_without_the_demo_is_small(projects: list[Project]) -> None:
    """Kubernetes manifests are not counted."""
    for project in projects:
        if project.answers["demo"]:
            continue
        machinery = machinery_tests(project.answers)
        files = [file for file in project.files if file.path not in machinery]
        counted = [file for file in files if not file.path.startswith("deploy/kubernetes/")]
        # Plus .cruft.json.
        assert len(counted) + 1 <= FILES, project.answers
        python = [file for file in files if file.ending == ".py"]
        assert sum(file.text.count("\n") for file in python) <= LINES_OF_PYTHON, project.answers
        packages = {file.path.split("/")[0] for file in python if file.path.endswith("__init__.py")}
        assert packages == {"accounts", "config", "task_queue", "tests"}


def test_the_readme_is_short(files: list[File]) -> None:
    lengths = {file.text.count("\n") for file in files if file.path == "README.md"}
    assert max(lengths) <= 120


def test_a_projects_own_tests_import_only_its_own_modules(projects: list[Project]) -> None:
    needed = re.compile(r"^(?:from|import) (tests\.[\w.]+)", re.MULTILINE)
    for project in projects:
        own = {file.path for file in project.files} - machinery_tests(project.answers).keys()
        for file in project.files:
            if file.path in own:
                modules = needed.findall(file.text)
                assert {f"{module.replace('.', '/')}.py" for module in modules} <= own, file.path

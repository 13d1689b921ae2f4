"""Projects with each pair of answers, as files, compose services and Kubernetes objects."""

import json
import re
import subprocess
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml

from tests.helpers.machinery import machinery_tests
from tests.helpers.programs import KUBECTL, need
from tests.helpers.rendered import (
    PRODUCTION,
    Composed,
    File,
    Generated,
    Project,
    Services,
    all_answers,
)
from tools.combinations import Combination, pairwise
from tools.generate import choices, render

SLUGS = ("x", "my_project", "x" * 40)


@pytest.fixture(
    scope="package",
    params=["pairs", pytest.param("combinations", marks=pytest.mark.exhaustive)],
)
def projects(request: pytest.FixtureRequest) -> list[Project]:
    """Return projects with each pair of answers, or with each combination that shapes code."""
    dice = Random(0)
    made = []
    rows = pairwise(all_answers()) if request.param == "pairs" else all_answers(each=1)
    for answers in rows:
        # If the longest name fits on its lines, all names do.
        answered = answers | {"project_slug": dice.choice(SLUGS)}
        # The machinery's tests follow the project's rules, too.
        files = render(answered) | machinery_tests(answered)
        made.append(Project(answers, frozenset(File(*file) for file in files.items())))
    return made


@pytest.fixture(scope="package")
def files(projects: list[Project]) -> list[File]:
    """Return the files of all projects, each once."""
    found = frozenset[File]().union(*(project.files for project in projects))
    return sorted(found, key=lambda file: (file.path, file.text))


@pytest.fixture(scope="package")
def folders(projects: list[Project], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of projects that together contain each distinct file once.

    Each has its pyproject.toml and all of its modules, possibly empty, because ruff needs them.
    """
    root = tmp_path_factory.mktemp("projects")
    written: set[File] = set()
    for number, project in enumerate(projects):
        if fresh := project.files - written:
            written |= fresh
            for file in project.files:
                if file in fresh or file.path == "pyproject.toml" or file.ending == ".py":
                    path = root / str(number) / file.path
                    path.parent.mkdir(parents=True, exist_ok=True)
                    is_module = file.ending == ".py" and file not in fresh
                    path.write_text("" if is_module else file.text, encoding="utf-8")
    return root


@pytest.fixture(scope="package")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> list[Generated]:
    """Return projects on disk that cover each pair of answers."""
    root = tmp_path_factory.mktemp("pairs")
    made = [
        Generated(row, root / str(number)) for number, row in enumerate(pairwise(all_answers()))
    ]
    for pair in made:
        files = render(pair.answers)
        # Compose reads .env. Placeholders become valid passwords without their brackets.
        files[".env"] = re.sub("[<>]", "", files[".env.example"])
        for path, text in files.items():
            file = pair.folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
    return made


@pytest.fixture(scope="package")
def composed(pairs: list[Generated]) -> list[Composed]:
    """Return the services in development and production, as compose reads them."""

    def services(folder: Path, *options: str) -> Services:
        command = ["docker-compose", *options, "config", "--format", "json"]
        found: Services = json.loads(subprocess.check_output(command, cwd=folder))["services"]
        return found

    return [
        (pair.answers, services(pair.folder), services(pair.folder, *PRODUCTION))
        for pair in pairs
        if pair.answers["docker"]
    ]


@pytest.fixture(scope="package")
def deployed(pairs: list[Generated]) -> list[tuple[Combination, list[dict[str, Any]]]]:
    """Return the objects that kustomize builds from each overlay, with the answers."""
    need("kubectl", KUBECTL)
    made = []
    for pair in pairs:
        for overlay in sorted((pair.folder / "deploy/kubernetes/overlays").glob("*")):
            command = ["kubectl", "kustomize", str(overlay)]
            text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            made.append((pair.answers, list(yaml.safe_load_all(text))))
    assert {answers["broker"] for answers, _ in made} == {*choices()["broker"]}
    return made

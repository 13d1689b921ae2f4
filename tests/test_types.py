"""Type checks, Django's checks and `make check` pass for each answer and each pair."""

import os
import subprocess
import tomllib
from collections.abc import Iterator
from functools import cache
from itertools import cycle
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from tests.helpers.dockerfile import BUILD, instruction
from tests.helpers.machinery import add_machinery_tests
from tools.combinations import Combination, each_answer, every, pairwise
from tools.generate import ROOT, choices, generate, render

Project = tuple[Combination, Path]

QUESTIONS = (
    "django",
    "database",
    "broker",
    "result_backend",
    "scheduler",
    "demo",
    "flower",
    "observability",
)
OTHERS = ("docker", "ci", "license")


@cache
def rows() -> list[Combination]:
    """Return answers that cover each pair, but not pairs of QUESTIONS with OTHERS."""
    others = cycle(pairwise(every(*OTHERS)))
    return [other | row for row, other in zip(pairwise(every(*QUESTIONS)), others, strict=False)]


@pytest.fixture(scope="session")
def environments(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return an environment for each Django version, with the packages of all answers.

    Mypy then reads the packages once, not once for each project.
    """
    environments = {}
    for django in choices()["django"]:
        folder = tmp_path_factory.mktemp("environment")
        projects = [render(answers) for answers in rows() if answers["django"] == django]
        lines = set()
        for files in projects:
            metadata = tomllib.loads(files["pyproject.toml"])
            lines |= {*metadata["project"]["dependencies"], *metadata["dependency-groups"]["dev"]}
        requirements, overrides = folder / "requirements.txt", folder / "overrides.txt"
        requirements.write_text("\n".join(lines))
        overrides.write_text("\n".join(line for line in lines if line.startswith("django>")))
        python = folder / "bin" / "python"
        run("uv", "venv", "--quiet", "--allow-existing", "--python", "3.13", str(folder))
        install = ["uv", "pip", "install", "--quiet", "--python", str(python)]
        run(*install, "--requirements", str(requirements), "--overrides", str(overrides))
        environments[str(django)] = python
    return environments


def run(*command: str, folder: Path = ROOT, **environment: str) -> None:
    """Run a command. Fail the test with its output if it fails."""
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout}"


def parameters() -> Iterator[ParameterSet]:
    """Yield answers as parameters of tests. One process runs those of a Django version.

    `make test` covers each answer, `make test-all` each pair of answers.
    """
    few = each_answer(rows())
    for answers in rows():
        marks = [pytest.mark.xdist_group(f"django-{answers['django']}")]
        marks += [] if answers in few else [pytest.mark.exhaustive]
        yield pytest.param(answers, id="-".join(map(str, answers.values())), marks=marks)


@pytest.fixture(scope="module", params=list(parameters()))
def project(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Project:
    return request.param, generate(request.param, tmp_path_factory.mktemp("my projects"))


def test_rendered_files_are_the_generated_ones(project: Project) -> None:
    answers, folder = project
    on_disk = {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in folder.rglob("*")
        if path.is_file() and path.name not in (".env", ".cruft.json")
    }
    assert on_disk == render(answers)


def test_types_and_checks_pass(project: Project, environments: dict[str, Path]) -> None:
    answers, folder = project
    python = environments[str(answers["django"])]
    add_machinery_tests(folder, answers)
    cache = f"--cache-dir={python.parents[1]}/mypy-cache"
    run(str(python), "-m", "mypy", ".", cache, folder=folder)
    run(str(python), "manage.py", "check", "--fail-level=DEBUG", folder=folder)
    # Let uv use the existing environment.
    uv = {"UV_PROJECT_ENVIRONMENT": str(python.parents[1]), "UV_NO_SYNC": "1"}
    run("make", "check", folder=folder, **uv)


def test_the_image_can_be_built(project: Project, environments: dict[str, Path]) -> None:
    """Django starts without a server, and with placeholders for the environment."""
    answers, folder = project
    if answers["docker"]:
        path = f"{environments[str(answers['django'])].parent}:{os.environ['PATH']}"
        run("sh", "-c", instruction(folder, BUILD), folder=folder, PATH=path)
        assert (folder / "staticfiles" / "staticfiles.json").exists()

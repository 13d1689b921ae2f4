"""Each pair of answers: the types are right, and Django finds nothing to complain about."""

import os
import subprocess
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from tools.combinations import Combination, every, pairwise
from tools.generate import ROOT, choices, generate, render

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


@cache
def rows() -> list[Combination]:
    return pairwise(every(*QUESTIONS))


@pytest.fixture(scope="session")
def environments(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """An environment for each Django, with the packages of all answers.

    Mypy reads the packages once then, instead of once for each project.
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
    """Run a command. Fails the test with what it printed, if it fails."""
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


def projects() -> Iterator[ParameterSet]:
    """Yield the answers as parameters of a test, those of one Django for one process to share."""
    for answers in rows():
        group = pytest.mark.xdist_group(f"django-{answers['django']}")
        yield pytest.param(answers, id="-".join(map(str, answers.values())), marks=group)


@pytest.mark.parametrize("answers", projects())
def test_types_and_checks_pass(
    answers: Combination, environments: dict[str, Path], tmp_path: Path
) -> None:
    project = generate(answers, tmp_path)
    python = environments[str(answers["django"])]
    run(
        str(python),
        "-m",
        "mypy",
        ".",
        f"--cache-dir={python.parents[1]}/mypy-cache",
        folder=project,
    )
    run(str(python), "manage.py", "check", "--fail-level=DEBUG", folder=project)
    # By uv, in the environment that is there already.
    uv = {"UV_PROJECT_ENVIRONMENT": str(python.parents[1]), "UV_NO_SYNC": "1"}
    run("make", "check", folder=project, **uv)

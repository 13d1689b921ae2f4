"""A broker is added by its two files and a line in cookiecutter.json, as CONTRIBUTING.md says."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools.generate import ROOT

COPIED = (".github", "cookiecutter.json", "hooks", "pyproject.toml", "templates", "tests", "tools")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of this repository with one broker more, which works as Redis does."""
    for name in (*COPIED, "{{cookiecutter.project_slug}}"):
        source, target = ROOT / name, tmp_path / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    brokers = tmp_path / "templates" / "brokers"
    redis = (brokers / "redis.jinja").read_text(encoding="utf-8")
    (brokers / "keydb.jinja").write_text(redis.replace('title = "Redis"', 'title = "KeyDB"'))
    shutil.copy(brokers / "redis.py", brokers / "keydb.py")
    questions = json.loads((tmp_path / "cookiecutter.json").read_text(encoding="utf-8"))
    questions["broker"].append("keydb")
    questions["__prompts__"]["broker"]["keydb"] = "KeyDB - as Redis, on several cores"
    (tmp_path / "cookiecutter.json").write_text(json.dumps(questions), encoding="utf-8")
    return tmp_path


def python(copy: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a module of the copy, and not of this repository."""
    return subprocess.run(
        [sys.executable, "-m", *arguments], cwd=copy, capture_output=True, text=True, check=False
    )


def test_a_new_broker_is_offered_and_tested_by_the_tests_that_there_are(copy: Path) -> None:
    run = python(copy, "pytest", "tests/test_template.py")
    assert run.returncode == 0, run.stdout + run.stderr
    found = python(copy, "pytest", "--collect-only", "--quiet", "tests/test_wiring.py")
    assert "test_a_project_passes_its_own_tests[keydb-redis-" in found.stdout


@pytest.mark.exhaustive
def test_tasks_go_through_a_new_broker(copy: Path) -> None:
    run = python(copy, "tools.try_project", "broker=keydb", "demo=false")
    assert run.returncode == 0, run.stdout + run.stderr
    assert "KeyDB" in run.stdout


def test_a_broker_without_its_file_is_noticed(copy: Path) -> None:
    (copy / "templates" / "brokers" / "keydb.jinja").unlink()
    run = python(copy, "pytest", "tests/test_template.py")
    assert run.returncode == 1
    assert "test_each_choice_has_one_file_and_each_file_is_a_choice[brokers-broker]" in run.stdout

"""Any slug gives an installable project, or is refused."""

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings

from tests.helpers.hostile import DEFAULTS, SLUG, assert_one_line, unhurried
from tests.helpers.ways import COOKIECUTTER, Run, run
from tools.combinations import every, pairwise
from tools.generate import ROOT, refusal, render

NO_FOLDER = ["a/b/c", "../up", "../up/there", "..", ".", "a\\b", "x" * 300, "a\0b", "\ud800"]


@settings(unhurried, max_examples=40)
@given(SLUG)
def test_any_slug_is_installable_or_refused(slug: str) -> None:
    answers = DEFAULTS | {"project_slug": slug, "database": "postgresql"}
    if refused := refusal(answers):
        assert_one_line(refused)
    else:
        files = render(answers)
        name = re.sub("-+", "-", tomllib.loads(files["pyproject.toml"])["project"]["name"])
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name)
        assert name not in dependencies()
        services = yaml.safe_load(files["compose.yaml"])["services"]
        assert services["postgresql"]["environment"]["POSTGRES_DB"] == slug


@cache
def dependencies() -> set[str]:
    """Return the direct dependencies of all projects."""
    rows = pairwise(every("database", "broker", "result_backend", "scheduler", "flower"))
    lines: set[str] = set()
    for answers in rows:
        metadata = tomllib.loads(render(answers)["pyproject.toml"])
        lines |= {*metadata["project"]["dependencies"], *metadata["dependency-groups"]["dev"]}
    return {re.split(r"[^a-z0-9-]", line)[0] for line in lines}


def test_a_slug_cannot_be_the_name_of_a_dependency() -> None:
    slugs = [name.replace("-", "_") for name in dependencies()]
    assert len(slugs) > 15
    assert [slug for slug in slugs if refusal({"project_slug": slug}) is None] == []


@pytest.mark.exhaustive
def test_a_slug_cannot_be_the_name_of_an_indirect_dependency(tmp_path: Path) -> None:
    """If this fails, there are new indirect dependencies: add them to `hooks/package_names.txt`."""
    rows = pairwise(every("django", "database", "broker", "result_backend", "scheduler", "flower"))
    names: set[str] = set()
    for metadata in {render(answers)["pyproject.toml"] for answers in rows}:
        (tmp_path / "pyproject.toml").write_text(metadata, encoding="utf-8")
        command = ["uv", "lock", "--quiet", "--python", sys.executable]
        subprocess.run(command, cwd=tmp_path, check=True)
        lock = (tmp_path / "uv.lock").read_text(encoding="utf-8")
        names |= {package["name"] for package in tomllib.loads(lock)["package"]}
    slugs = [re.sub("[-.]", "_", name) for name in names - {"my-project"}]
    assert [slug for slug in slugs if refusal({"project_slug": slug}) is None] == []


def given_for_the_command_line(folder: Path, slug: str) -> Run:
    return run(folder, *COOKIECUTTER, "--no-input", str(ROOT), f"project_slug={slug}")


def given_in_a_config_file(folder: Path, slug: str) -> Run:
    # JSON is YAML, and may contain characters that YAML refuses.
    (folder / "config.yaml").write_text(json.dumps({"default_context": {"project_slug": slug}}))
    return run(folder, *COOKIECUTTER, "--no-input", "--config-file=config.yaml", str(ROOT))


@pytest.mark.parametrize(
    ("way", "slug"),
    [(given_for_the_command_line, slug) for slug in NO_FOLDER[:-2]]
    + [(given_in_a_config_file, slug) for slug in NO_FOLDER],
)
def test_a_slug_that_is_not_a_folder_name_is_refused_and_nothing_is_created(
    way: Callable[[Path, str], Run], slug: str, tmp_path: Path
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    made = way(folder, slug)
    assert made.returncode == 1
    assert made.stdout.startswith("ERROR: project_slug is not a valid folder name: use letters,")
    assert_one_line(made.stdout.strip())
    assert list(tmp_path.iterdir()) == [folder]
    assert {path.name for path in folder.iterdir()} <= {"config.yaml"}

"""Deleting the demo as the generated README says leaves what `demo=false` makes."""

import re
import subprocess
from pathlib import Path

import pytest

from tools.combinations import Combination, every, pairwise
from tools.generate import render

QUESTIONS = ("django", "database", "broker", "scheduler", "docker")
WRITTEN = ("config/settings/base.py", "config/settings/celery.py", "config/urls.py")


def write(files: dict[str, str], folder: Path) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def delete_the_demo(files: dict[str, str]) -> dict[str, str]:
    """Return the files that are left by the steps that README.md lists."""
    start, chapter, rest = re.split(
        r"^(?=## (?:The first|Write a))", files["README.md"], flags=re.M
    )
    [packages] = re.findall(r"`uv remove (.+?)`", chapter)
    [folders] = re.findall(r"folders `(.+)` and `(.+)`,", chapter)
    edited = re.findall(r"`(config/\S+\.py)`", chapter)
    left = {
        path: text
        for path, text in files.items()
        if not any(path.startswith(f"{folder}/") for folder in folders)
    }
    left["README.md"] = start + rest
    for path in edited:
        left[path] = re.sub(r"^.*\bgallery\b.*\n", "", left[path], flags=re.MULTILINE)
    for package in packages.split():
        line = rf'^    "{package}>=.*\n'
        left["pyproject.toml"] = re.sub(line, "", left["pyproject.toml"], flags=re.MULTILINE)
    return left


def tidied(files: dict[str, str], folder: Path) -> dict[str, str]:
    """Return the files after what `make format` does."""
    write(files, folder)
    for command in (["check", "--fix"], ["format"]):
        subprocess.run(["ruff", *command, "--no-cache", "--quiet", folder], check=True)
    return {path: (folder / path).read_text(encoding="utf-8") for path in files}


@pytest.mark.parametrize(
    "answers", pairwise(every(*QUESTIONS)), ids=lambda row: "-".join(map(str, row.values()))
)
def test_what_is_left_is_what_is_made_without_the_demo(
    answers: Combination, tmp_path: Path
) -> None:
    left = delete_the_demo(render(answers | {"demo": True}))
    without = render(answers | {"demo": False})
    assert tidied(left, tmp_path / "left") == tidied(without, tmp_path / "without")

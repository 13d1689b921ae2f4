"""Deleting the demo as the generated README says leaves what `demo=false` makes."""

import re
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.make import make, run
from tools.combinations import Combination, every, pairwise
from tools.generate import generate, render

QUESTIONS = ("django", "database", "broker", "scheduler", "docker")


@dataclass
class Steps:
    """What a project's README says of deleting the demo."""

    commands: str
    edited: list[str]
    readme: str
    """What is left of it."""

    @classmethod
    def of(cls, readme: str) -> "Steps":
        start, chapter, rest = re.split(r"^(?=## (?:The first|Write a))", readme, flags=re.M)
        said = chapter.partition("To delete it")[2]
        [commands] = re.findall(r"^```sh\n(.*?)^```", said, re.MULTILINE | re.DOTALL)
        return cls(commands, re.findall(r"`(config/\S+\.py)`", said), start + rest)

    @property
    def folders(self) -> list[str]:
        return self.after("rm -r").split()

    @property
    def packages(self) -> list[str]:
        return self.after("uv remove").split()

    def after(self, command: str) -> str:
        """Return what one of the commands is given."""
        [words] = re.findall(rf"^{command} (.+)$", self.commands, re.MULTILINE)
        return str(words)


def without_lines(text: str) -> str:
    """Return a file without the lines that name the gallery."""
    return re.sub(r"^.*\bgallery\b.*\n", "", text, flags=re.MULTILINE)


def write(files: dict[str, str], folder: Path) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def delete_the_demo(files: dict[str, str]) -> dict[str, str]:
    """Return the files that are left by the steps that README.md lists."""
    steps = Steps.of(files["README.md"])
    left = {
        path: text
        for path, text in files.items()
        if not any(path.startswith(f"{folder}/") for folder in steps.folders)
    }
    left["README.md"] = steps.readme
    for path in steps.edited:
        left[path] = without_lines(left[path])
    for package in steps.packages:
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


def kept(project: Path) -> Iterator[tuple[str, str]]:
    """Yield what git would keep of a project, save the answers: paths, and what is in the files."""
    run(project, "git", "init", "--quiet")
    run(project, "git", "add", "--all")
    listed = subprocess.check_output(["git", "ls-files"], cwd=project, text=True)
    for path in set(listed.splitlines()) - {".cruft.json"}:
        yield path, (project / path).read_text(encoding="utf-8")


def tables(project: Path) -> set[str]:
    """Return the names of the tables, and of the migrations that made them."""
    with closing(sqlite3.connect(project / "db.sqlite3")) as database:
        names = database.execute(
            "SELECT name FROM sqlite_master UNION SELECT app || name FROM django_migrations"
        )
        return {name for (name,) in names}


@pytest.mark.exhaustive
@pytest.mark.parametrize("scheduler", ["settings", "database"])
def test_the_commands_delete_it_from_a_project_that_ran(scheduler: str, tmp_path: Path) -> None:
    projects = [
        generate({"demo": demo, "scheduler": scheduler}, tmp_path / str(demo))
        for demo in (True, False)
    ]
    for project in projects:
        make(project, "install")
    used, without = projects
    (used / "media" / "gallery").mkdir(parents=True)
    assert any("gallery" in name for name in tables(used))

    readme = used / "README.md"
    steps = Steps.of(readme.read_text(encoding="utf-8"))
    run(used, "sh", "-euc", steps.commands)
    readme.write_text(steps.readme, encoding="utf-8")
    for path in map(used.joinpath, steps.edited):
        path.write_text(without_lines(path.read_text(encoding="utf-8")), encoding="utf-8")
    make(used, "format")

    assert not (used / "media" / "gallery").exists()
    assert tables(used) == tables(without)
    make(without, "format")
    assert dict(kept(used)) == dict(kept(without))
    make(used, "lint")

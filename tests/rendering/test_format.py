"""Generated files are valid and consistently formatted."""

import ast
import json
import re
import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
import yaml

from tests.helpers.rendered import File, run

# One process renders everything, to reuse compiled templates.
pytestmark = pytest.mark.xdist_group("rendering")

JINJA = re.compile(r"(?<!\$)\{\{|\{%|\{#")
REQUIREMENT = re.compile(r"[a-z0-9-]+(\[[a-z]+(,[a-z]+)*\])?>=[0-9][0-9.]*(b[0-9])?(,<[0-9.]+)?")


def python_files(files: Iterable[File]) -> list[File]:
    return [file for file in files if file.ending == ".py"]


def test_python_follows_the_rules_of_the_project(folders: Path) -> None:
    run("ruff", "check", "--no-cache", "--quiet", folders)


def test_docstrings_are_in_the_imperative(folders: Path) -> None:
    run("ruff", "check", "--isolated", "--select", "D401", "--no-cache", "--quiet", folders)


def test_python_is_formatted(folders: Path) -> None:
    run("ruff", "format", "--no-cache", "--check", "--diff", "--quiet", folders)


def test_django_templates_are_formatted(folders: Path) -> None:
    run("djade", "--check", *folders.rglob("*.html"))


def test_no_jinja_is_left(files: list[File]) -> None:
    texts = [file for file in files if file.ending != ".html" and "/static/" not in file.path]
    assert not [file.path for file in texts if JINJA.search(file.text)]
    assert not [file.path for file in files if "cookiecutter" in f"{file.path}{file.text}"]


def test_no_line_ends_in_space(files: list[File]) -> None:
    assert not [file.path for file in files if re.search(r"[ \t\r]$", file.text, re.MULTILINE)]


def test_only_makefiles_are_indented_by_tabs(files: list[File]) -> None:
    assert {file.path for file in files if "\t" in file.text} == {"Makefile"}


def test_files_begin_with_text_and_end_with_one_newline(files: list[File]) -> None:
    texts = [file for file in files if file.text]
    assert not [file.path for file in texts if file.text.strip("\n") + "\n" != file.text]


def test_blank_lines_are_single_except_between_python_definitions(files: list[File]) -> None:
    others = [file for file in files if file.ending != ".py" and file.path != "LICENSE"]
    examples = re.compile(r"^ *```python\n.*?^ *```$", re.MULTILINE | re.DOTALL)
    assert not [file.path for file in others if "\n\n\n" in examples.sub("```", file.text)]
    between_statements = re.compile(r"^\S.*\n\n\n(?!@|#|def |class |async |if __name__)", re.M)
    assert not [file.path for file in python_files(files) if between_statements.search(file.text)]


def test_python_is_valid(files: list[File]) -> None:
    for file in python_files(files):
        ast.parse(file.text, file.path)


def test_yaml_toml_and_json_are_valid(files: list[File]) -> None:
    readers: dict[str, Callable[[str], object]] = {
        ".json": json.loads,
        ".toml": tomllib.loads,
        ".yaml": lambda text: list(yaml.safe_load_all(text)),
        ".yml": yaml.safe_load,
    }
    read = {file.path: readers[file.ending](file.text) for file in files if file.ending in readers}
    assert {"pyproject.toml", "compose.yaml", ".github/workflows/ci.yml"} <= read.keys()


def test_dependencies_are_sorted_and_each_has_a_floor(files: list[File]) -> None:
    projects = [tomllib.loads(file.text) for file in files if file.path == "pyproject.toml"]
    for project in projects:
        for group in (project["project"]["dependencies"], project["dependency-groups"]["dev"]):
            assert not [line for line in group if not REQUIREMENT.fullmatch(line)]
            assert group == sorted(group)
            names = [re.split(r"[\[>]", line)[0] for line in group]
            assert len(names) == len(set(names))

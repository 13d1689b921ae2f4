"""Rendered projects, and helpers that check them."""

import re
import subprocess
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tools.combinations import Combination, every
from tools.generate import Answer
from tools.services import services

SHAPING = ("django", "database", "broker", "result_backend", "scheduler", "flower", "demo")
OTHERS = ("docker", "kubernetes", "observability", "ci", "license")
LINES = 40
PINNED = re.compile(r":\d+\.\d+(\.\d+)?(-[a-z]+)?$")
PRODUCTION = ("--file", "compose.yaml", "--file", "compose.prod.yaml")

# Checks addresses of every kind, in any project.
ADDRESSES = "tests/test_checks_addresses.py"
# These may name files that only some projects have.
IGNORES = (".dockerignore", ".gitignore")

Services = dict[str, dict[str, Any]]
Composed = tuple[Combination, Services, Services]


@dataclass(frozen=True)
class File:
    """A path with its text, shared by the projects that have both."""

    path: str
    text: str

    @property
    def ending(self) -> str:
        return Path(self.path).suffix


@dataclass
class Project:
    answers: Combination
    files: frozenset[File]


@dataclass
class Generated:
    answers: Combination
    folder: Path


@dataclass
class Word:
    """A pattern that occurs in a project if and only if a choice was made.

    Files in `neutral` are ignored.
    """

    pattern: str
    chosen: Callable[[Combination], bool]
    neutral: tuple[str, ...] = ()

    def stands_in(self, file: File) -> bool:
        if file.path in (*self.neutral, ADDRESSES) or "/static/" in file.path:
            return False
        return bool(re.search(self.pattern, f"{file.path}\n{file.text}", re.MULTILINE))


@cache
def all_answers(each: int = 5) -> list[Combination]:
    """Return all combinations of the answers that shape code, each with samples of the others."""
    dice = Random(0)
    others = defaultdict(list)
    for other in every("database", *OTHERS):
        others[other["database"]].append(other)
    shapes = every(*SHAPING)
    return [o | shape for shape in shapes for o in dice.sample(others[shape["database"]], each)]


def run(*command: str | Path, cwd: Path | None = None) -> None:
    """Run a command. Fail the test with its output if it fails."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = f"{done.stdout}{done.stderr}".splitlines()
        pytest.fail("\n".join([f"{command[0]} failed:", *lines[:LINES]]), pytrace=False)


def found(pairs: Iterable[Generated], path: str) -> list[Path]:
    """Return the files at a path in those projects that have it, at least one."""
    paths = [pair.folder / path for pair in pairs if (pair.folder / path).exists()]
    assert paths
    return paths


def by_kind(objects: list[Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(item["kind"], item["metadata"]["name"]): item for item in objects}


def needs(server: str, answers: Combination) -> bool:
    """Return whether a project with these answers needs a server."""
    return server in _servers(answers["broker"], answers["result_backend"], answers["database"])


@cache
def _servers(broker: Answer, result_backend: Answer, database: Answer) -> list[str]:
    return services({"broker": broker, "result_backend": result_backend, "database": database})

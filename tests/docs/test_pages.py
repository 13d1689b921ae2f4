"""Links, commands, answers and file names in the documentation are right."""

import json
import os
import posixpath
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.make import run
from tests.helpers.pages import DOCS, PAGES, blocks, by_name, code, prose
from tools.generate import ROOT, choices, parse, render
from tools.reference import variations

# Variables of `make` that are not answers.
OTHERS = {"brokers", "busy", "into", "keep", "results", "template", "times", "to"}
# Pages whose commands run in a project even without `cd`.
IN_PROJECTS = {"switching.md", "updating.md"}
# Django's own commands in the pages.
DJANGO = "check collectstatic createcachetable dumpdata loaddata migrate startapp".split()
# Paths in a project's pages that are not generated, and a URL path.
MADE = {".uv/bin/uv", "admin/", "reports/tasks.py", "reports/tests.py", "tasks.py", "tests.py"}
PATH = re.compile(r"[\w.-]+(/[\w.-]+)+/?|[\w.-]+\.(md|py|toml|yaml|yml)|\w+/")
COMMAND = re.compile(
    r"(uv run |uvx |pipx run |python )?(?=(make|manage\.py|cruft|cookiecutter|git) )"
)
TARGET = re.compile(r"^([a-z-]+):", re.MULTILINE)


def anchors(text: str) -> set[str]:
    """Return the anchors that GitHub gives to headings."""
    headings = re.findall(r"^#+ (.+)$", prose(text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def commands(lines: list[str]) -> Iterator[list[str]]:
    """Yield the words of each line that is a known command."""
    for line in lines:
        if found := COMMAND.match(line):
            yield shlex.split(line[found.end() :], comments=True)


@pytest.mark.parametrize("page", PAGES, ids=by_name)
def test_links_are_not_broken(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(page.read_text(encoding="utf-8"))):
        path, _, anchor = link.partition("#")
        if path.startswith("https://"):
            continue
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target.read_text(encoding="utf-8")), link


def test_the_index_links_to_every_page() -> None:
    index = DOCS / "README.md"
    links = re.findall(r"\]\(([^)#\s]+)\)", index.read_text(encoding="utf-8"))
    found = {(DOCS / link).resolve() for link in links}
    assert not {page for page in DOCS.rglob("*.md") if page != index} - found


def test_the_site_has_every_page(tmp_path: Path) -> None:
    shutil.copytree(DOCS, tmp_path / "docs")
    shutil.copy(ROOT / "zensical.toml", tmp_path)
    run(tmp_path, "zensical", "build", "--strict")
    home = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    for page in DOCS.rglob("*.md"):
        if page.name != "README.md":
            assert f'href="{page.relative_to(DOCS).with_suffix("").as_posix()}/"' in home, page
    menu = tomllib.loads((ROOT / "zensical.toml").read_text(encoding="utf-8"))["project"]["nav"]
    listed = re.findall(r"[\w/-]+\.md", json.dumps(menu))
    assert {*listed} == {page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md")}


def check(words: list[str], makefile: str, files: dict[str, str]) -> None:
    """Fail the test unless the command exists."""
    name, *rest = words
    if name == "make":
        targets = [word for word in rest if re.fullmatch(r"[a-z-]+", word)]
        assert not set(targets) - {*TARGET.findall(makefile)}, words
    elif name == "manage.py":
        own = {Path(path).stem for path in files if "/management/commands/" in path}
        assert rest[0] in own | {*DJANGO}, words
    elif name == "git":
        # The help of an unknown command is an error.
        told = subprocess.run(["git", rest[0], "-h"], capture_output=True, text=True, check=False)
        assert "not a git command" not in told.stderr, words
    else:
        options = [word for word in rest if word.startswith("-")]
        verb = rest[:1] if name == "cruft" else []
        told = subprocess.run(
            [sys.executable, "-m", name, *verb, "--help"],
            env={**os.environ, "COLUMNS": "200"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert told.returncode == 0, words
        assert not [option for option in options if option not in told.stdout], words


def in_blocks(page: Path) -> Iterator[tuple[str, bool]]:
    """Yield the shell lines of a page, and whether they run in a project."""
    in_project = page.name in IN_PROJECTS
    for line in "".join(blocks(page, "sh")).replace("\\\n", " ").splitlines():
        in_project = in_project or bool(re.match(r"cd .*my_project", line))
        yield line, in_project


def in_sentences(text: str) -> list[str]:
    return re.findall(r"`([^`\n]+)`", prose(text))


@pytest.mark.parametrize("page", PAGES, ids=by_name)
def test_commands_and_their_answers_exist(page: Path) -> None:
    files = render({})
    ours, theirs = (ROOT / "Makefile").read_text(encoding="utf-8"), files["Makefile"]
    run = [(line, theirs if in_project else ours) for line, in_project in in_blocks(page)]
    said = [(line, ours + theirs) for line in in_sentences(page.read_text(encoding="utf-8"))]
    for line, makefile in [*run, *said]:
        for words in commands([line]):
            check(words, makefile, files)
            pairs = [word for word in words if re.match(r"[a-z_]+=", word)]
            # The page on new choices adds choices that do not exist yet.
            answers = [pair for pair in pairs if pair.partition("=")[0] not in OTHERS]
            if page.name != "adding-a-choice.md":
                parse(answers)


def pages_of_projects() -> Iterator[tuple[str, str, dict[str, str]]]:
    """Yield the path and text of each distinct page of a project, and the project's files."""
    found = {}
    for _, _, files in variations():
        for path in files:
            if path == "README.md" or path.startswith("docs/"):
                found[path, files[path]] = files
    for (path, text), files in found.items():
        yield path, text, files


def test_commands_in_the_pages_of_a_project_exist() -> None:
    for _, text, files in pages_of_projects():
        blocks = "".join(code(text, "sh")).splitlines()
        for words in commands([*blocks, *in_sentences(text)]):
            check(words, files["Makefile"], files)


def test_links_in_the_pages_of_a_project_are_not_broken() -> None:
    for page, text, files in pages_of_projects():
        for link in re.findall(r"\]\(([^)\s]+)\)", prose(text)):
            path, _, anchor = link.partition("#")
            if not path.startswith("https://"):
                target = posixpath.join(posixpath.dirname(page), path) if path else page
                assert target in files, f"{page}: {link}"
                assert not anchor or anchor in anchors(files[target]), f"{page}: {link}"


def test_files_named_in_the_pages_of_a_project_exist() -> None:
    for page, text, files in pages_of_projects():
        layout = re.findall(r"^([\w/]+) ", "".join(code(text, "text")), re.MULTILINE)
        paths = [name for name in in_sentences(text) if PATH.fullmatch(name)]
        folders = {f"{folder}/" for file in files for folder in Path(file).parents}
        missing = {*layout, *paths} - files.keys() - folders - MADE
        assert not missing, page


def test_the_readme_is_short_and_begins_with_commands() -> None:
    page = ROOT / "README.md"
    assert page.read_text(encoding="utf-8").count("\n") < 100
    assert blocks(page, "sh")[:2] == ["make try\n", "make test\n"]


def test_every_broker_has_a_page() -> None:
    assert {page.stem for page in (DOCS / "brokers").glob("*.md")} == set(choices()["broker"])

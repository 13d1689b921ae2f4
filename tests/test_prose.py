"""Prose in generated projects and in this repository is plain English, in the field's words."""

import re
import subprocess
from fnmatch import fnmatch
from pathlib import Path

import pytest

from tests.helpers.pages import PAGES
from tests.helpers.rendered import all_answers
from tools.combinations import pairwise
from tools.generate import ROOT, render

# Globs of generated files that are from others, or contain no prose.
NO_PROSE = ("LICENSE", "*/static/*", "*.json")
# Git's patterns of our own files. The templates are checked as generated files.
OWN = (
    "*.md",
    "*.py",
    "*.sh",
    "cookiecutter.json",
    ".github/*",
    "*Makefile",
    ":!docs",
    ":!templates",
    ":!{{cookiecutter.project_slug}}",
)
# Patterns of words to avoid, and the words to write instead.
WORDS = {
    r"\btells\b|\b(tell|says?) whether\b": "shows, reports, checks",
    r"\b(is|are|be|was|were) away\b": "is down, is unreachable",
    r"(?<!there\b)(?<!There\b) is no (?!longer|more)\w+": "is not a valid …",
    r"\bwhat (a|the|each|every) \w+ costs?\b": "trade-offs",
    r"\bmend(s|ed|ing)?\b": "fix",
    r"\bsave (for|when|where|those)\b|, save (for|in|of|that|when|where)\b": "except",
    r"\b(leaves?|left|leaving) away\b": "omit, remove",
    r"\bat once\b": "immediately",
    r"\bfor ever\b": "forever, endlessly",
    r"\b(rows?|files?|lines?|albums?|uploads?|results?) (go|goes) (after|each|every|once|when)\b": (
        "is deleted, expires"
    ),
    r"\b(brings?|brought|comes?) along\b": "installs, includes",
    r"\b(gives?|given|gave) back\b|\bgives? \w+ tasks? back\b": "requeues",
    r"\bset(s|ting)? (\w+ ){0,2}aside\b": "moved to the dead letters",
    r"\bnetwork parts\b": "a network partition",
    r"\btakes? (other|another) answers?\b": "changes its options",
    r"\bnothing to add\b": "reports no warnings",
    r"\b(is|are) (well|ill)\b(?!-| known)": "healthy, unhealthy",
    # The first words of a sentence, a line or a docstring.
    r'(?m)(^|[.:] |""")(What|Whatever|Who|Whoever|Whether) (?![^.\n]*\?)': "a noun or a verb",
    r'(?m)(^|[.:] |""")Where (?![^.\n]*\?)': "if, when",
}


@pytest.fixture(scope="module")
def texts() -> list[tuple[str, str]]:
    """Return the path and text of each generated file, for each pair of answers."""
    return sorted(
        {
            file
            for answers in pairwise(all_answers())
            for file in render(answers).items()
            if not any(fnmatch(file[0], glob) for glob in NO_PROSE)
        }
    )


@pytest.mark.parametrize("pattern", WORDS)
def test_prose_is_in_plain_english(pattern: str, texts: list[tuple[str, str]]) -> None:
    assert_absent(pattern, texts)


def assert_absent(pattern: str, texts: list[tuple[str, str]]) -> None:
    # A phrase may continue on the next line, which may be a comment.
    phrase = re.compile(pattern.replace(" ", r"[\s#]+"))
    found = {
        f"{path}: …{text[max(0, match.start() - 30) : match.end() + 30]!r}…"
        for path, text in texts
        for match in phrase.finditer(text)
    }
    assert not found, f"Instead: {WORDS[pattern]}"


@pytest.fixture(scope="module")
def own_texts() -> list[tuple[str, str]]:
    """Return the path and text of each of our own files, except this one with its word list."""
    command = ["git", "ls-files", "-z", "--", *OWN]
    names = subprocess.check_output(command, cwd=ROOT, text=True).split("\0")[:-1]
    files = [ROOT / name for name in names if (ROOT / name) != Path(__file__)]
    return [(file.relative_to(ROOT).as_posix(), file.read_text("utf-8")) for file in files]


@pytest.mark.parametrize("pattern", WORDS)
def test_our_own_files_are_in_plain_english(pattern: str, own_texts: list[tuple[str, str]]) -> None:
    assert_absent(pattern, own_texts)


@pytest.mark.parametrize("pattern", WORDS)
def test_our_own_pages_are_in_plain_english(pattern: str) -> None:
    pages = []
    for page in PAGES:
        # Tables repeat labels of choices, names of faults and facts of brokers.
        if page.name in ("questions.md", "settings.md", "adding-a-choice.md"):
            continue
        text = re.sub(r"^\|.*$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
        pages.append((page.name, text))
    assert_absent(pattern, pages)

"""Generated prose is plain English, in the words of the field."""

import re
from fnmatch import fnmatch

import pytest

from tests.helpers.rendered import all_answers
from tests.test_docs import PAGES
from tools.combinations import pairwise
from tools.generate import render

# Globs of the files that are not ours, or hold no prose.
NO_PROSE = ("LICENSE", "*/static/*", "*.json")
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
    """Return the path and the text of each generated file, for each pair of answers."""
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
    # A phrase may continue in the next line, which may be a comment.
    phrase = re.compile(pattern.replace(" ", r"[\s#]+"))
    found = {
        f"{path}: …{text[max(0, match.start() - 30) : match.end() + 30]!r}…"
        for path, text in texts
        for match in phrase.finditer(text)
    }
    assert not found, f"Instead: {WORDS[pattern]}"


@pytest.mark.parametrize("pattern", WORDS)
def test_our_own_pages_are_in_plain_english(pattern: str) -> None:
    phrase = re.compile(pattern.replace(" ", r"[\s#]+"))
    found = []
    for page in PAGES:
        # Labels of choices, names of faults and facts of a broker stand elsewhere, too.
        if page.name in ("questions.md", "settings.md", "adding-a-choice.md"):
            continue
        text = re.sub(r"^\|.*$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
        found += [f"{page.name}: {match[0]!r}" for match in phrase.finditer(text)]
    assert not found, f"Instead: {WORDS[pattern]}"

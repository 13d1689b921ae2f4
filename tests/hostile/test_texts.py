"""Any text is kept intact, or is refused."""

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.hostile import (
    ANY_TEXT,
    BREAKING,
    DEFAULTS,
    INTACT,
    PRINTABLE,
    SLUG,
    TEXT_KEYS,
    TEXTS,
    assert_intact,
    assert_one_line,
    text_of,
    unhurried,
)
from tests.helpers.make import make
from tools.generate import Refused, generate, refusal, render


@unhurried
@given(st.fixed_dictionaries(dict.fromkeys(TEXTS, PRINTABLE)))
def test_printable_text_is_kept_intact(texts: dict[str, str]) -> None:
    answers = DEFAULTS | texts
    if texts["project_name"].strip() and texts["author_name"].strip():
        assert refusal(answers) is None
        assert_intact(answers, render(answers))
    else:
        assert "is empty: enter some text" in str(refusal(answers))


@unhurried
@given(st.sampled_from(TEXT_KEYS), ANY_TEXT)
def test_any_text_is_kept_intact_or_refused(key: str, text: str) -> None:
    answers = DEFAULTS | {key: text}
    if refused := refusal(answers):
        assert_one_line(refused)
        assert refused.startswith(key)
    else:
        assert_intact(answers, render(answers))


@pytest.mark.parametrize("text", INTACT)
def test_unusual_texts_are_accepted(text: str) -> None:
    answers = DEFAULTS | dict.fromkeys(TEXTS, text)
    assert refusal(answers) is None
    assert_intact(answers, render(answers))


@pytest.mark.parametrize("breaking", BREAKING)
@pytest.mark.parametrize("key", TEXT_KEYS)
def test_line_breaks_and_control_characters_are_refused(key: str, breaking: str) -> None:
    refused = refusal(DEFAULTS | {key: f"a{breaking}b"})
    assert refused
    if key == "project_slug":
        assert refused.startswith("project_slug is not a valid folder name")
    else:
        assert refused.startswith(f"{key} contains a line break or a control character")


@pytest.mark.exhaustive
def test_a_project_with_hostile_texts_passes_its_checks(tmp_path: Path) -> None:
    texts = {key: "".join(INTACT[:-1])[place:][:200] for place, key in enumerate(TEXTS)}
    project = generate({**texts, "project_slug": "_Mine_2"}, tmp_path)
    make(project, "install", "lint", "check")


@pytest.mark.exhaustive
@settings(unhurried, max_examples=60)
@given(
    st.fixed_dictionaries(dict.fromkeys(TEXTS, PRINTABLE))
    | st.fixed_dictionaries(dict.fromkeys(TEXTS, ANY_TEXT), optional={"project_slug": SLUG})
)
def test_any_text_makes_a_project_or_is_refused(texts: dict[str, str]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "output")
        try:
            project = generate(texts, folder)
        except Refused as refused:
            assert_one_line(str(refused))
            assert not folder.exists()
        else:
            assert list(folder.iterdir()) == [project]
            assert_intact(DEFAULTS | texts | {"project_slug": project.name}, text_of(project))
            ruff = [sys.executable, "-m", "ruff"]
            subprocess.run([*ruff, "check", "--quiet", "."], cwd=project, check=True)
            subprocess.run([*ruff, "format", "--check", "--quiet", "."], cwd=project, check=True)

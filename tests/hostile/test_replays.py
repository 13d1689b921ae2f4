"""Replayed answers, which cookiecutter does not validate."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Template

from tests.helpers.hostile import ANY_TEXT, DEFAULTS, assert_one_line, unhurried
from tests.helpers.ways import COOKIECUTTER, in_a_replayed_file, run
from tools.generate import ERROR, PRE_HOOK, ROOT, choices, environment

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=5,
)

BROKERS = ", ".join(map(str, choices()["broker"]))


@cache
def pre_hook() -> Template:
    return environment().from_string(PRE_HOOK.read_text(encoding="utf-8"))


def replay_refusal(answers: dict[str, Any]) -> str | None:
    """Return the line with which the hook refuses replayed answers, or None."""
    try:
        exec(pre_hook().render({"cookiecutter": answers}), {"__name__": "hook"})
    except SystemExit as refused:
        return str(refused).removeprefix(ERROR)
    return None


@unhurried
@given(st.sampled_from(list(DEFAULTS)), st.data())
def test_a_replayed_answer_is_a_valid_choice_or_refused(key: str, data: st.DataObject) -> None:
    offered = choices()[key]
    answer = data.draw(ANY_JSON | st.sampled_from(offered) if offered else ANY_JSON)
    replayed = DEFAULTS | {key: answer}
    refused = replay_refusal(replayed)
    if refused:
        assert_one_line(refused)
        assert key in refused
    if offered:
        is_offered = any(
            answer is value or (isinstance(answer, str) and answer == value) for value in offered
        )
        assert is_offered == (refused is None)
    elif not isinstance(answer, str):
        assert refused == f"{key} is not text: put it in quotes."


@unhurried
@given(ANY_TEXT.filter(lambda key: not key.startswith("_") and key not in DEFAULTS))
def test_a_replayed_answer_to_an_unknown_question_is_refused(key: str) -> None:
    refused = replay_refusal(DEFAULTS | {key: "x"})
    assert refused
    assert refused.startswith("There is no question ")
    assert_one_line(refused)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"broker": "kafka"}, f'broker cannot be "kafka": choose one of {BROKERS}.'),
        ({"docker": "yes"}, 'docker cannot be "yes": choose one of true, false.'),
        ({"demo": 1}, "demo cannot be 1: choose one of true, false."),
        ({"ci": None}, "ci cannot be null: did you mean none? Choose one of github, gitlab, none."),
        (
            {"brocker": "x"},
            "There is no question 'brocker': did you mean broker? Choose one of ",
        ),
        ({"description": ["a"]}, "description is not text: put it in quotes."),
        ({"project_slug": 5}, "project_slug is not text: put it in quotes."),
    ],
)
def test_an_invalid_replayed_answer_is_refused(
    changed: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    made = in_a_replayed_file(tmp_path, DEFAULTS | changed)
    assert made.returncode == 1
    assert made.stdout.startswith(f"ERROR: {reason}")
    assert not list(tmp_path.glob("output/*"))


@pytest.mark.parametrize("slug", ["..", "../up", "a/b"])
def test_a_replayed_slug_with_a_path_deletes_nothing(slug: str, tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    kept = work / "kept.txt"
    kept.touch()
    made = in_a_replayed_file(work, DEFAULTS | {"project_slug": slug})
    assert made.returncode != 0
    assert made.stdout.startswith("ERROR: project_slug: ")
    assert_one_line(made.stdout.strip())
    assert kept.exists()


def test_questions_missing_from_a_replay_are_asked(tmp_path: Path) -> None:
    (tmp_path / "answers.json").write_text(json.dumps({"cookiecutter": {"project_name": "X"}}))
    command = (*COOKIECUTTER, "--replay-file=answers.json", str(ROOT))
    made = run(tmp_path, *command, typed="mine\n" + "\n" * 20)
    assert made.returncode == 0, made.stdout
    assert (tmp_path / "output" / "mine" / "README.md").read_text().startswith("# X\n")

"""Arguments to make reach the template unchanged."""

import shlex
import subprocess

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.hostile import ANY_TEXT, DEFAULTS, PRINTABLE, assert_one_line, unhurried
from tests.helpers.ways import Run
from tools.generate import ROOT, Refused, parse
from tools.process import inherited


@unhurried
@given(
    st.lists(
        ANY_TEXT | st.builds("{}={}".format, st.sampled_from(list(DEFAULTS)) | ANY_TEXT, ANY_TEXT)
    )
)
def test_any_arguments_are_parsed_or_refused(words: list[str]) -> None:
    try:
        answers = parse(words)
    except Refused as refused:
        assert_one_line(str(refused))
    else:
        assert answers.keys() <= DEFAULTS.keys()


@settings(unhurried, max_examples=20)
@given(PRINTABLE)
def test_make_passes_on_any_text(text: str) -> None:
    # Make strips the spaces before a value.
    answer = f"description=x{text}"
    words = shlex.split(dry_run(answer).stdout.splitlines()[-1])
    assert words[-1] == answer


def test_make_refuses_text_with_a_line_break() -> None:
    made = dry_run("description=two\nlines")
    assert made.returncode == 2
    assert "*** description holds a line break: use one line." in made.stderr
    assert made.stderr.count("\n") == 1


def dry_run(answer: str) -> Run:
    """Return the commands that `make new` would run."""
    return subprocess.run(
        ["make", "--dry-run", "new", answer],
        cwd=ROOT,
        env=inherited(),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )

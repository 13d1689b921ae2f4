"""A chord, which this project's result backend cannot run, is found before it is sent."""

from pathlib import Path

import pytest
from celery import chord

from config.checks.chords import check_chords
from tests.code import app_with
from tests.tasks import add, record


@pytest.mark.parametrize(
    "code",
    [
        "from celery import chord, shared_task",
        "celery.chord(parts)(total.s())",
        "group(parts) | total.s()",
        "chain(group(parts), total.s())",
    ],
)
def test_a_chord_in_an_app_is_found(code: str, tmp_path: Path) -> None:
    [warning] = check_chords([app_with(f"import reports\n{code}\n", tmp_path)])
    assert warning.id == "celery.W001"
    assert "views.py:2" in warning.msg


def test_groups_and_chains_are_no_chords(tmp_path: Path) -> None:
    code = """
from celery import chain, group
group(parts)()
first.s() | second.s()
chain(first.s(), group(parts))
self.request.chord
"""
    assert check_chords([app_with(code, tmp_path)]) == []


def test_code_of_others_is_not_looked_at(tmp_path: Path) -> None:
    packages = tmp_path / "site-packages"
    packages.mkdir()
    assert check_chords([app_with("from celery import chord", packages)]) == []


def test_a_chord_is_refused_when_it_is_sent() -> None:
    with pytest.raises(NotImplementedError):
        chord([add.s(1, 1), add.s(2, 2)])(record.s("nowhere"))

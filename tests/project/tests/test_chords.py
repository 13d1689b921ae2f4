"""Chords: a callback that gets the results of a group."""

import pytest
from celery import chord

from tests.fixtures import Notes
from tests.tasks import add, record

pytestmark = [pytest.mark.usefixtures("worker"), pytest.mark.django_db(transaction=True)]


def test_a_chord_calls_back_with_all_results(notes: Notes) -> None:
    chord(add.s(n, n) for n in range(5))(record.s(notes.path))
    assert notes.wait() == ["[0, 2, 4, 6, 8]"]

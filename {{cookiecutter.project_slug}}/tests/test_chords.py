"""A task that runs when all others of a group are done, with what they returned."""

import pytest
from celery import chord

from tests.fixtures import SECONDS, Notes
from tests.tasks import add, record, record_alone

pytestmark = [pytest.mark.usefixtures("worker"), pytest.mark.django_db(transaction=True)]


def test_a_chord_calls_back_with_all_results(notes: Notes) -> None:
    chord(add.s(n, n) for n in range(5))(record.s(notes.path))
    assert notes.wait() == ["[0, 2, 4, 6, 8]"]


def test_nobody_waits_for_a_chord_whose_result_is_ignored(notes: Notes) -> None:
    joined = chord(add.s(n, n) for n in range(2))(record_alone.s(notes.path))
    assert joined.get(timeout=SECONDS) is None
    assert notes.wait() == ["[0, 2]"]

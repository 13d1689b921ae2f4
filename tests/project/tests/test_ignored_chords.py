"""Chords whose callback has no result."""

import pytest
from celery import chord

from tests import SECONDS, Notes
from tests.machinery_tasks import record_alone
from tests.tasks import add

pytestmark = [pytest.mark.usefixtures("worker"), pytest.mark.django_db(transaction=True)]


def test_a_chord_with_an_ignored_result_does_not_block(notes: Notes) -> None:
    joined = chord(add.s(n, n) for n in range(2))(record_alone.s(notes.path))
    assert joined.get(timeout=SECONDS) is None
    assert notes.wait() == ["[0, 2]"]

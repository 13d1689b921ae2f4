"""Tasks run on a real worker: once, again after an error, or never after a rollback."""

import pytest
from django.db import transaction

from tests.fixtures import Notes
from tests.tasks import fail_twice, record

pytestmark = pytest.mark.usefixtures("worker")


def test_a_task_runs(notes: Notes) -> None:
    record.delay("hello", notes.path)
    assert notes.wait() == ["hello"]


def test_a_task_that_fails_is_retried_until_it_works(notes: Notes) -> None:
    fail_twice.delay(notes.path)
    assert notes.wait(3) == ["run 0", "run 1", "run 2"]


@pytest.mark.django_db(transaction=True)
def test_a_task_of_a_transaction_that_is_rolled_back_never_runs(notes: Notes) -> None:
    with transaction.atomic():
        record.delay_on_commit("rolled back", notes.path)
        transaction.set_rollback(True)
    with transaction.atomic():
        record.delay_on_commit("committed", notes.path)
        assert notes.lines == []
    assert notes.wait() == ["committed"]

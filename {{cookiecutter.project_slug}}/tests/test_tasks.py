# {% from "project.jinja" import result with context %}
"""Tasks run on a real worker: once, later, again after an error, or never after a rollback."""

import time

import pytest
# {% if result.chords %}
from celery import chord
# {% endif %}
from django.db import transaction

# {% if result.results_enabled %}
from tests import SECONDS, Notes
from tests.tasks import add, fail, fail_twice, record, record_time
# {% else %}
from tests import Notes
from tests.tasks import fail_twice, record, record_time
# {% endif %}

pytestmark = [pytest.mark.usefixtures("worker"), pytest.mark.django_db(transaction=True)]


def test_a_task_runs(notes: Notes) -> None:
    record.delay("hello", notes.path)
    assert notes.wait() == ["hello"]


def test_a_task_runs_from_another_queue(notes: Notes) -> None:
    record.apply_async(("hello", notes.path), queue="slow")
    assert notes.wait() == ["hello"]


def test_a_task_runs_after_its_countdown(notes: Notes) -> None:
    due = time.time() + 1
    record_time.apply_async((notes.path,), countdown=1)
    assert float(notes.wait()[0]) >= due


def test_a_task_that_fails_is_retried_until_it_works(notes: Notes) -> None:
    fail_twice.delay(notes.path)
    assert notes.wait(3) == ["run 0", "run 1", "run 2"]


def test_a_task_of_a_transaction_that_is_rolled_back_never_runs(notes: Notes) -> None:
    with transaction.atomic():
        record.delay_on_commit("rolled back", notes.path)
        transaction.set_rollback(True)
    with transaction.atomic():
        record.delay_on_commit("committed", notes.path)
        assert notes.lines == []
    assert notes.wait() == ["committed"]
# {% if result.results_enabled %}


def test_the_caller_gets_the_result() -> None:
    assert add.delay(2, 3).get(timeout=SECONDS, interval=0.05) == 5


def test_the_caller_gets_the_error(notes: Notes) -> None:
    with pytest.raises(ValueError, match="this cannot work"):
        fail.delay(notes.path).get(timeout=SECONDS, interval=0.05)
# {% endif %}
# {% if result.chords %}


def test_a_task_runs_with_the_results_of_a_group(notes: Notes) -> None:
    chord([add.s(1, 1), add.s(2, 2)], record.s(notes.path)).delay()
    assert notes.wait() == ["[2, 4]"]
# {% endif %}

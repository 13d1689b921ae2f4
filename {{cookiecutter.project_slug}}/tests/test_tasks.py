"""Tasks run on a real worker, later, again, or never, as they should."""

import time

import pytest
from django.db import transaction

from tests.fixtures import Notes, Process, wait_until
from tests.tasks import fail, fail_twice, record, record_queue, record_time

pytestmark = pytest.mark.usefixtures("worker")


def test_a_task_runs(notes: Notes) -> None:
    record.delay("hello", notes.path)
    assert notes.wait() == ["hello"]


def test_a_task_that_fails_is_retried_until_it_works(notes: Notes) -> None:
    fail_twice.delay(notes.path)
    assert notes.wait(3) == ["run 0", "run 1", "run 2"]


def test_a_failure_is_in_the_log(notes: Notes, worker: Process) -> None:
    task = fail.delay(notes.path)

    def failures() -> list[str]:
        lines = worker.log.read_text().splitlines()
        return [line for line in lines if "task_failed" in line and task.id in line]

    wait_until(lambda: bool(failures()), "a line about the failure")
    assert "this cannot work" in failures()[0]


def test_a_task_with_a_countdown_runs_when_it_is_over(notes: Notes) -> None:
    sent = time.time()
    record_time.apply_async((notes.path,), countdown=1)
    assert float(notes.wait()[0]) - sent >= 1


def test_a_task_goes_to_the_queue_that_it_is_sent_to(notes: Notes) -> None:
    record_queue.apply_async((notes.path,), queue="slow")
    assert "slow" in notes.wait()[0]


@pytest.mark.django_db(transaction=True)
def test_a_task_of_a_transaction_that_is_rolled_back_never_runs(notes: Notes) -> None:
    with transaction.atomic():
        record.delay_on_commit("rolled back", notes.path)
        transaction.set_rollback(True)
    with transaction.atomic():
        record.delay_on_commit("committed", notes.path)
        assert notes.lines == []
    assert notes.wait() == ["committed"]

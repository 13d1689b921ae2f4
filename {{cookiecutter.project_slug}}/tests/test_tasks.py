"""Tasks run, one after another or at the same time, and what goes wrong is seen."""

import pytest
from celery import chain, group
from django.contrib.auth.models import Group
from django.db import transaction

from tests.fixtures import Notes, Process, StartWorker, wait_until
from tests.tasks import (
    add,
    fail,
    fail_once_more,
    fail_twice,
    record,
    record_worker,
    retry_with_too_much,
)

pytestmark = pytest.mark.usefixtures("worker")

REASON = "ValueError: this cannot work"


def test_a_task_runs(notes: Notes) -> None:
    record.delay("hello", notes.path)
    assert notes.wait() == ["hello"]


def test_a_task_that_fails_twice_is_retried_until_it_works(notes: Notes) -> None:
    chain(fail_twice.s(notes.path), record.s(notes.path)).delay()
    assert notes.wait(4) == ["run 0", "run 1", "run 2", "well"]


def test_retries_wait_longer_each_time_and_never_all_alike(notes: Notes) -> None:
    def waits(retries: int, count: int) -> list[float]:
        """How long tasks wait that were retried so often before, in seconds."""
        before = len(notes.lines)
        for _ in range(count):
            fail_once_more.s(notes.path, retries).apply_async(retries=retries)
        runs: dict[str, list[float]] = {}
        for line in notes.wait(before + 2 * count)[before:]:
            run, moment = line.split()
            runs.setdefault(run, []).append(float(moment))
        return [max(moments) - min(moments) for moments in runs.values()]

    first, third = waits(0, 4), waits(2, 20)
    # One second at first, then anything up to four: that all of twenty are alike does not happen.
    assert min(first) > 0.9
    assert max(third) > min(third) + 1.5


def test_a_retry_that_can_never_be_sent_is_a_failure(notes: Notes, worker: Process) -> None:
    retry_with_too_much.delay(notes.path)
    worker.wait_for_line("EncodeError: tests.tasks.retry_with_too_much would be a message of")
    lines = worker.log.read_text().splitlines()
    assert [line for line in lines if "task_failed" in line and "retry_with_too_much" in line]
    assert notes.lines == ["trying"]


def test_a_failure_is_in_the_log_with_its_traceback_and_task(notes: Notes, worker: Process) -> None:
    before = worker.log.read_text()
    fail.delay(notes.path)
    wait_until(lambda: worker.log.read_text().count(REASON) > before.count(REASON))
    line, _, traceback = worker.log.read_text().removeprefix(before).partition("\nTraceback")
    assert "task_failed" in line.splitlines()[-1]
    assert "task=tests.tasks.fail " in line.splitlines()[-1]
    assert traceback.startswith(" (most recent call last):")


def test_a_chain_passes_on_what_each_task_returns(notes: Notes) -> None:
    chain(add.s(1, 2), add.s(10), record.s(notes.path)).delay()
    assert notes.wait() == ["13"]


def test_a_group_runs_all_its_tasks(notes: Notes) -> None:
    group(record.s(number, notes.path) for number in range(10)).delay()
    assert sorted(notes.wait(10), key=int) == [str(number) for number in range(10)]


def test_a_task_goes_to_the_queue_it_is_sent_to(notes: Notes, start_worker: StartWorker) -> None:
    start_worker("other", "--queues", "slow")
    for _ in range(10):
        record_worker.delay(notes.path)
    assert set(notes.wait(10)) == {"one"}, "This worker does not read the default queue."

    def other_runs_one() -> bool:
        record_worker.apply_async((notes.path,), queue="slow")
        return "other" in notes.lines

    wait_until(other_runs_one)


@pytest.mark.django_db(transaction=True)
def test_a_task_of_a_transaction_that_is_rolled_back_never_runs(notes: Notes) -> None:
    with transaction.atomic():
        record.delay_on_commit("rolled back", notes.path)
        transaction.set_rollback(True)
    with transaction.atomic():
        record.delay_on_commit("committed", notes.path)
        assert notes.lines == []
    assert notes.wait() == ["committed"]


@pytest.mark.django_db(transaction=True)
def test_a_task_that_is_applied_is_part_of_the_transaction_around_it() -> None:
    with transaction.atomic():
        Group.objects.create(name="before")
        assert add.apply((1, 2)).get() == 3
    with transaction.atomic():
        assert add.apply((1, 2)).get() == 3
        Group.objects.create(name="after")
    assert {group.name for group in Group.objects.all()} == {"before", "after"}


@pytest.mark.django_db
def test_a_task_that_is_applied_leaves_the_database_to_the_test_around_it() -> None:
    Group.objects.create(name="before")
    assert add.apply((1, 2)).get() == 3
    assert Group.objects.get().name == "before"

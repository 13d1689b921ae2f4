"""Chains, groups, and tasks for a particular queue."""

import pytest
from celery import chain, group

from tests import Notes, wait_until
from tests.machinery_tasks import record_worker
from tests.tasks import add, record
from tests.workers import StartWorker

pytestmark = pytest.mark.usefixtures("worker")


def test_a_chain_passes_on_each_result(notes: Notes) -> None:
    chain(add.s(1, 2), add.s(10), record.s(notes.path)).delay()
    assert notes.wait() == ["13"]


def test_a_group_runs_all_its_tasks(notes: Notes) -> None:
    group(record.s(number, notes.path) for number in range(10)).delay()
    assert sorted(notes.wait(10), key=int) == [str(number) for number in range(10)]


def test_a_worker_runs_only_tasks_from_its_queues(notes: Notes, start_worker: StartWorker) -> None:
    start_worker("other", "--queues", "slow")
    for _ in range(10):
        record_worker.delay(notes.path)
    assert set(notes.wait(10)) == {"one"}, "This worker does not consume from the default queue."

    def other_runs_one() -> bool:
        record_worker.apply_async((notes.path,), queue="slow")
        return "other" in notes.lines

    wait_until(other_runs_one)

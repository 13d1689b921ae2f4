"""Tasks of Django's own task API run on this project's workers."""

from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from django.tasks import TaskResult
from django.tasks.exceptions import InvalidTask
from django.tasks.signals import task_enqueued
from django.utils import timezone

from tests import Notes, Process, django_tasks

pytestmark = [pytest.mark.usefixtures("worker"), pytest.mark.django_db(transaction=True)]


def test_sync_and_async_tasks_run(notes: Notes) -> None:
    django_tasks.record.enqueue("one", path=notes.path)
    django_tasks.record_async.enqueue("two", path=notes.path)
    async_to_sync(django_tasks.record.aenqueue)("three", path=notes.path)
    assert sorted(notes.wait(3)) == ["one", "three", "two"]


def test_a_task_runs_after_its_time(notes: Notes) -> None:
    due = timezone.now() + timedelta(seconds=1)
    django_tasks.record_time.using(run_after=due).enqueue(notes.path)
    assert float(notes.wait()[0]) >= due.timestamp()


def test_a_task_is_sent_to_its_queue(notes: Notes) -> None:
    django_tasks.record_queue.enqueue(notes.path)
    assert "slow" in notes.wait()[0]


def test_a_misspelt_queue_is_refused() -> None:
    with pytest.raises(InvalidTask, match="'slwo' is not valid"):
        django_tasks.record.using(queue_name="slwo")


def test_a_task_gets_its_context(notes: Notes) -> None:
    result = django_tasks.record_context.enqueue(notes.path)
    assert notes.wait() == [f"{result.id} RUNNING 1"]


@pytest.mark.parametrize(
    ("how", "status"), [("well", "SUCCESSFUL"), ("fail", "FAILED"), ("exit", "FAILED")]
)
def test_signals_report_the_status_of_a_task(notes: Notes, how: str, status: str) -> None:
    sent = []

    def note(task_result: TaskResult, **kwargs: object) -> None:
        sent.append((task_result.id, task_result.status))

    task_enqueued.connect(note)
    try:
        result = django_tasks.end.enqueue(notes.path, how)
    finally:
        task_enqueued.disconnect(note)
    assert sent == [(result.id, "READY")]
    assert notes.wait(3) == ["RUNNING", "running", status]


def test_log_lines_name_the_task(notes: Notes, worker: Process) -> None:
    result = django_tasks.record.enqueue("logged", path=notes.path)
    # A task logs its line when it ends.
    worker.wait_for_line(result.id)
    lines = [line for line in worker.log.read_text().splitlines() if f"id={result.id}" in line]
    assert any("task=tests.django_tasks.record" in line for line in lines), lines

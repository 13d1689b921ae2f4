"""Results of Django's own task API are found by their id."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import async_to_sync
from django.tasks import TaskResult, default_task_backend
from django.tasks.exceptions import TaskResultDoesNotExist, TaskResultMismatch
from kombu.exceptions import OperationalError

import task_queue.django_tasks
from tests import SECONDS, Notes, django_tasks, wait_until
from tests.tasks import add

pytestmark = [pytest.mark.usefixtures("worker"), pytest.mark.django_db(transaction=True)]


def wait_for_status(result: TaskResult, *statuses: str) -> TaskResult:
    """Wait until a result has one of these statuses, and return it."""

    def found() -> TaskResult:
        return default_task_backend.get_result(result.id)

    wait_until(lambda: found().status in statuses)
    return found()


def wait_until_finished(result: TaskResult) -> TaskResult:
    return wait_for_status(result, "SUCCESSFUL", "FAILED")


def test_a_task_returns_its_result() -> None:
    sent = django_tasks.multiply.using(queue_name="slow").enqueue(2, y=3)
    result = wait_until_finished(sent)
    assert (result.args, result.kwargs, result.return_value) == ([2], {"y": 3}, 6)
    assert result.task == sent.task
    assert result.enqueued_at == sent.enqueued_at
    times: list[Any] = [result.enqueued_at, result.started_at, result.finished_at]
    assert times == sorted(times)
    assert result.worker_ids[0].startswith("one@")


def test_a_task_is_found_while_it_waits_and_while_it_runs(notes: Notes, tmp_path: Path) -> None:
    files = [str(tmp_path / process) for process in "123"]
    sent = [django_tasks.wait_for.enqueue(notes.path, file) for file in files]
    notes.wait(2)
    waiting = [wait_for_status(result, "READY", "RUNNING") for result in sent]
    for file in files:
        Path(file).touch()
    assert sorted(result.status for result in waiting) == ["READY", "RUNNING", "RUNNING"]
    assert [result.args for result in waiting] == [result.args for result in sent]
    for result in sent:
        wait_until_finished(result)


def test_a_failure_is_found_with_its_traceback(notes: Notes) -> None:
    result = wait_until_finished(django_tasks.end.enqueue(notes.path, "fail"))
    assert result.status == "FAILED"
    assert result.args == [notes.path, "fail"]
    assert result.errors[0].exception_class is ValueError
    assert 'raise ValueError("this cannot work")' in result.errors[0].traceback


def test_a_task_that_exits_or_returns_no_json_fails(notes: Notes) -> None:
    exits = django_tasks.end.enqueue(notes.path, "exit")
    assert wait_until_finished(exits).errors[0].exception_class is SystemExit
    returns = django_tasks.return_unserializable.enqueue()
    assert wait_until_finished(returns).errors[0].exception_class is TypeError


def test_an_unknown_id_is_refused() -> None:
    other = add.delay(1, 2)
    other.get(timeout=SECONDS)
    for unknown in (str(uuid4()), other.id):
        with pytest.raises(TaskResultDoesNotExist):
            default_task_backend.get_result(unknown)
    sent = async_to_sync(django_tasks.multiply.aenqueue)(1, 2)
    with pytest.raises(TaskResultMismatch):
        async_to_sync(django_tasks.record.aget_result)(sent.id)


def test_a_task_that_could_not_be_sent_has_no_result(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    identifier = uuid4()
    monkeypatch.setattr(task_queue.django_tasks, "uuid4", lambda: identifier)

    def fail(*args: object, **options: object) -> None:
        raise OperationalError("the broker is down")

    monkeypatch.setattr(task_queue.django_tasks.run, "apply_async", fail)
    with pytest.raises(OperationalError):
        django_tasks.record.enqueue("text", path="")
    with pytest.raises(TaskResultDoesNotExist):
        default_task_backend.get_result(str(identifier))

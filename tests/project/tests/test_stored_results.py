"""Results and failures come back to the caller."""

import pytest
from celery import group
from celery.exceptions import TimeoutError as ResultTimeout
from celery.result import AsyncResult

from task_queue.doctor import answer, results
from tests import SECONDS, Notes
from tests.tasks import add, fail, fail_twice

pytestmark = [pytest.mark.usefixtures("worker"), pytest.mark.django_db(transaction=True)]


def test_a_group_returns_its_results_in_order() -> None:
    results = group(add.s(n, n) for n in range(5)).delay()
    assert results.get(timeout=SECONDS, interval=0.05) == [0, 2, 4, 6, 8]


def test_a_retried_task_returns_its_last_result(notes: Notes) -> None:
    assert fail_twice.delay(notes.path).get(timeout=SECONDS, interval=0.05) == "well"


def test_a_failure_comes_back_with_its_traceback(notes: Notes) -> None:
    task = fail.delay(notes.path)
    with pytest.raises(ValueError, match="this cannot work"):
        task.get(timeout=SECONDS, interval=0.05)
    assert task.state == "FAILURE"
    assert 'raise ValueError("this cannot work")' in str(task.traceback)


def test_doctor_finds_results_that_do_not_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    def send_without_result(probe: str) -> AsyncResult:
        return AsyncResult(answer.apply_async((probe,), ignore_result=True).id)

    monkeypatch.setattr(answer, "delay", send_without_result)
    with pytest.raises(ResultTimeout, match="timed out"):
        results(0.5)

"""Failed tasks are retried with a growing backoff, and logged."""

import re

import pytest
from celery.result import AsyncResult

from tests import Notes, Process, wait_until
from tests.machinery_tasks import (
    IN_VAIN,
    fail_and_retry_in_no_queue,
    fail_once_more,
    retry_in_vain,
)
from tests.tasks import fail

pytestmark = pytest.mark.usefixtures("worker")

REASON = "ValueError: this cannot work"


def test_retries_back_off_with_jitter(notes: Notes, worker: Process) -> None:
    def waits(retries: int, count: int) -> list[tuple[int, float]]:
        """Return the logged and the real seconds that tasks wait for a retry after this many."""
        before = len(notes.lines)
        for _ in range(count):
            fail_once_more.s(notes.path, retries).apply_async(retries=retries)
        runs: dict[str, list[float]] = {}
        for line in notes.wait(before + 2 * count)[before:]:
            run, moment = line.split()
            runs.setdefault(run, []).append(float(moment))

        def logged() -> dict[str, int]:
            found = re.findall(r"Retry\(.*, (\d+)\) .*task_id=(\S+)", worker.log.read_text())
            return {run: int(seconds) for seconds, run in found if run in runs}

        wait_until(lambda: len(logged()) == count, "the lines of all retries")
        return [(logged()[run], max(times) - min(times)) for run, times in runs.items()]

    first, third = waits(0, 4), waits(2, 40)
    # One second at first, later a random time of up to four. Forty equal ones are impossible.
    assert {wait for wait, _ in first} == {1}
    assert {wait for wait, _ in third} > {1}
    # A slow machine takes longer.
    assert all(real > wait - 0.1 for wait, real in first + third)


@pytest.mark.parametrize(
    ("how", "why"), [(how, why) for how, (_, why) in IN_VAIN.items()], ids=IN_VAIN
)
def test_a_retry_that_can_never_be_sent_is_a_failure(
    how: str, why: str, notes: Notes, worker: Process
) -> None:
    task = retry_in_vain.delay(notes.path, how)
    assert why in failure(worker, task)
    assert notes.lines == ["trying"]


def test_a_failure_that_can_never_be_retried_is_a_failure(notes: Notes, worker: Process) -> None:
    task = fail_and_retry_in_no_queue.delay(notes.path)
    assert "missing from task_queues" in failure(worker, task)
    assert notes.lines == ["trying"]


def failure(worker: Process, task: AsyncResult) -> str:
    """Wait for the log line of a failed task, and return it."""

    def lines() -> list[str]:
        log = worker.log.read_text().splitlines()
        return [line for line in log if "task_failed" in line and task.id in line]

    wait_until(lambda: bool(lines()), what="the task to fail")
    return lines()[0]


def test_a_failure_is_in_the_log_with_its_traceback_and_task(notes: Notes, worker: Process) -> None:
    before = worker.log.read_text()
    fail.delay(notes.path)
    wait_until(lambda: worker.log.read_text().count(REASON) > before.count(REASON), REASON)
    line, _, traceback = worker.log.read_text().removeprefix(before).partition("\nTraceback")
    assert "task_failed" in line.splitlines()[-1]
    assert "task=tests.tasks.fail " in line.splitlines()[-1]
    assert traceback.startswith(" (most recent call last):")

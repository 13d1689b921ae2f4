"""What goes wrong in a task is tried again, later each time, and seen."""

import pytest

from tests.fixtures import Notes, Process, wait_until
from tests.machinery_tasks import fail_once_more, retry_with_too_much
from tests.tasks import fail

pytestmark = pytest.mark.usefixtures("worker")

REASON = "ValueError: this cannot work"


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
    name = "tests.machinery_tasks.retry_with_too_much"
    worker.wait_for_line(f"EncodeError: {name} would be a message of")
    lines = worker.log.read_text().splitlines()
    assert [line for line in lines if "task_failed" in line and name in line]
    assert notes.lines == ["trying"]


def test_a_failure_is_in_the_log_with_its_traceback_and_task(notes: Notes, worker: Process) -> None:
    before = worker.log.read_text()
    fail.delay(notes.path)
    wait_until(lambda: worker.log.read_text().count(REASON) > before.count(REASON), REASON)
    line, _, traceback = worker.log.read_text().removeprefix(before).partition("\nTraceback")
    assert "task_failed" in line.splitlines()[-1]
    assert "task=tests.tasks.fail " in line.splitlines()[-1]
    assert traceback.startswith(" (most recent call last):")

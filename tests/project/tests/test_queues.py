"""Routing to queues, and `manage.py queues`."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from config import celery_app
from tests import Notes, wait_until
from tests.machinery_tasks import record_queue, record_queue_twice
from tests.tasks import record


def count() -> int:
    """Return the number of tasks that the command counts. Its exit code is 1 if there are any."""
    output = StringIO()
    code: object = 0
    try:
        call_command("queues", stdout=output)
    except SystemExit as exited:
        code = exited.code
    total = sum(int(line.split()[-1]) for line in output.getvalue().splitlines())
    assert code == int(total > 0)
    return total


@pytest.mark.usefixtures("worker")
def test_a_task_is_sent_to_the_given_queue(notes: Notes) -> None:
    record_queue.apply_async((notes.path,), queue="slow")
    assert "slow" in notes.wait()[0]


@pytest.mark.usefixtures("worker")
def test_a_delayed_task_and_its_retry_stay_in_the_given_queue(notes: Notes) -> None:
    record_queue_twice.apply_async((notes.path,), queue="slow", countdown=1)
    assert ["slow" in line for line in notes.wait(2)] == [True, True]


@pytest.mark.usefixtures("worker")
@pytest.mark.django_db(transaction=True)
def test_a_task_is_counted_until_it_is_done(notes: Notes) -> None:
    wait_until(lambda: count() == 0, "an empty broker")

    def counts_one_that_is_not_due() -> bool:
        """Send and count. On a slow machine, the task may be done before the count."""
        record.apply_async(("done", notes.path), countdown=1)
        return count() > 0

    wait_until(counts_one_that_is_not_due)
    wait_until(lambda: count() == 0, "an empty broker")
    assert set(notes.lines) == {"done"}


def test_an_unreachable_broker_is_reported_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise ConnectionRefusedError("connection refused")

    monkeypatch.setattr(celery_app, "connection_for_write", refuse)
    with pytest.raises(CommandError, match="is unreachable: connection refused") as told:
        call_command("queues")
    assert told.value.returncode == 2

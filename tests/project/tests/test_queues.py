"""A task goes to its queue, and `manage.py queues` shows when a broker has no task left."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from config import celery_app
from tests.fixtures import Notes, wait_until
from tests.machinery_tasks import record_queue
from tests.tasks import record


def count() -> int:
    """How many tasks the command counts. It fails when there are any."""
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
def test_a_task_goes_to_the_queue_that_it_is_sent_to(notes: Notes) -> None:
    record_queue.apply_async((notes.path,), queue="slow")
    assert "slow" in notes.wait()[0]


@pytest.mark.usefixtures("worker")
@pytest.mark.django_db(transaction=True)
def test_a_task_counts_until_it_is_done(notes: Notes) -> None:
    wait_until(lambda: count() == 0, "an empty broker")

    def counts_one_that_is_not_due() -> bool:
        """Count: a slow machine may do so when it is already done."""
        record.apply_async(("done", notes.path), countdown=1)
        return count() > 0

    wait_until(counts_one_that_is_not_due)
    wait_until(lambda: count() == 0, "an empty broker")
    assert set(notes.lines) == {"done"}


def test_a_broker_that_is_away_is_told_in_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise ConnectionRefusedError("nobody is there")

    monkeypatch.setattr(celery_app, "connection_for_write", refuse)
    with pytest.raises(CommandError, match="is unreachable: nobody is there") as told:
        call_command("queues")
    assert told.value.returncode == 2

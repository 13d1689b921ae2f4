"""Django's own task API sends a task when its transaction commits."""

from collections.abc import Iterator

import pytest
from django.db import transaction
from django.tasks import TaskResult, default_task_backend
from django.tasks.exceptions import TaskResultDoesNotExist
from django.tasks.signals import task_enqueued

from tests import django_tasks
from tests.test_task_results import wait_until_finished

pytestmark = [pytest.mark.usefixtures("worker"), pytest.mark.django_db(transaction=True)]


@pytest.fixture
def sent() -> Iterator[list[str]]:
    """Return the ids of the tasks sent so far."""
    ids: list[str] = []

    def note(task_result: TaskResult, **kwargs: object) -> None:
        ids.append(task_result.id)

    task_enqueued.connect(note)
    yield ids
    task_enqueued.disconnect(note)


def test_a_task_is_sent_when_the_transaction_is_committed(sent: list[str]) -> None:
    with transaction.atomic():
        result = django_tasks.multiply.enqueue(2, 3)
        assert default_task_backend.get_result(result.id).status == "READY"
        assert not sent
    assert sent == [result.id]
    finished = wait_until_finished(result)
    assert (finished.return_value, finished.attempts) == (6, 1)


def test_a_task_is_not_sent_when_the_transaction_is_rolled_back(sent: list[str]) -> None:
    with transaction.atomic():
        result = django_tasks.multiply.enqueue(2, 3)
        transaction.set_rollback(True)
    assert not sent
    with pytest.raises(TaskResultDoesNotExist):
        default_task_backend.get_result(result.id)

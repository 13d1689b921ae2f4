"""The caller gets the result of a task, or the error that it raised."""

import pytest

from tests.fixtures import SECONDS, Notes
from tests.tasks import add, fail

pytestmark = [pytest.mark.usefixtures("worker"), pytest.mark.django_db(transaction=True)]


def test_a_task_returns_its_result() -> None:
    assert add.delay(2, 3).get(timeout=SECONDS, interval=0.05) == 5


def test_a_failure_comes_back(notes: Notes) -> None:
    with pytest.raises(ValueError, match="this cannot work"):
        fail.delay(notes.path).get(timeout=SECONDS, interval=0.05)

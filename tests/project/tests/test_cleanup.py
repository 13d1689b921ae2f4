"""Without beat, workers remove expired results."""

import time

import pytest
from celery.result import AsyncResult

from tests.fixtures import SECONDS, Process, StartWorker, wait_until
from tests.tasks import add


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_starts_removes_expired_results(
    worker: Process, start_worker: StartWorker
) -> None:
    task = add.delay(2, 3)
    assert task.get(timeout=SECONDS) == 5
    # The next worker finds it older than it keeps results.
    time.sleep(1)
    assert AsyncResult(task.id).state == "SUCCESS"
    start_worker("hasty", CELERY_RESULT_EXPIRES="1")
    wait_until(lambda: AsyncResult(task.id).state == "PENDING")

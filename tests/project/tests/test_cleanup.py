"""Without beat, workers remove expired results."""

import time

import pytest
from celery import Celery
from celery.result import AsyncResult

from tests import wait_until
from tests.workers import StartWorker


@pytest.mark.django_db(transaction=True)
def test_a_starting_worker_removes_expired_results(
    celery: Celery, start_worker: StartWorker
) -> None:
    celery.backend.store_result("old", 5, "SUCCESS")
    # Older than CELERY_RESULT_EXPIRES of the worker below.
    time.sleep(1)
    assert AsyncResult("old").state == "SUCCESS"
    # It has its own queues: other workers keep results for longer.
    start_worker("hasty", CELERY_RESULT_EXPIRES="1", QUEUE_PREFIX="hasty")
    wait_until(lambda: AsyncResult("old").state == "PENDING", "the result to be removed")

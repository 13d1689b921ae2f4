"""Without beat, workers remove expired results."""

import time

import pytest
from celery.result import AsyncResult
from django.conf import settings

from tests.fixtures import SECONDS, Process, StartWorker, wait_until
from tests.tasks import add


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_starts_removes_expired_results(
    worker: Process, start_worker: StartWorker
) -> None:
    task = add.delay(2, 3)
    assert task.get(timeout=SECONDS) == 5
    expired = time.monotonic() + settings.CELERY_RESULT_EXPIRES
    wait_until(lambda: time.monotonic() > expired)
    assert AsyncResult(task.id).state == "SUCCESS"
    start_worker("other")
    wait_until(lambda: AsyncResult(task.id).state == "PENDING")

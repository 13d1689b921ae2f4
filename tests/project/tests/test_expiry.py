"""Results expire."""

import pytest
from celery import Celery
from celery.result import AsyncResult
from django.conf import settings

from tests import Process, wait_until
from tests.tasks import add
from tests.workers import restart


@pytest.mark.django_db(transaction=True)
def test_an_expired_result_is_removed(celery: Celery, worker: Process) -> None:
    restart(worker, CELERY_RESULT_EXPIRES="1")
    try:
        task = add.delay(2, 3).id

        def done() -> bool:
            log = worker.log.read_text().splitlines()
            return any("task_succeeded" in line and task in line for line in log)

        def gone() -> bool:
            celery.tasks["celery.backend_cleanup"].delay()
            return AsyncResult(task).state == "PENDING"

        wait_until(done, "a result")
        wait_until(gone, "the result to expire")
    finally:
        restart(worker, CELERY_RESULT_EXPIRES=str(settings.CELERY_RESULT_EXPIRES))

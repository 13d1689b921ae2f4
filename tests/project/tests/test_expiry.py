"""Results do not pile up."""

import pytest
from celery import Celery
from celery.result import AsyncResult

from tests.fixtures import SECONDS, Process, wait_until
from tests.tasks import add


@pytest.mark.django_db(transaction=True)
def test_a_result_is_gone_when_it_expired(celery: Celery, worker: Process) -> None:
    task = add.delay(2, 3)
    assert task.get(timeout=SECONDS) == 5

    def gone() -> bool:
        celery.tasks["celery.backend_cleanup"].delay()
        return AsyncResult(task.id).state == "PENDING"

    wait_until(gone, "the result to expire")

"""Results do not pile up."""

import re

import pytest
from celery import Celery
from celery.result import AsyncResult

from tests.fixtures import StartWorker, wait_until
from tests.tasks import add

DONE = re.compile(r"task_succeeded .*task=tests\.tasks\.add task_id=(\S+)")


@pytest.mark.usefixtures("worker")
@pytest.mark.django_db(transaction=True)
def test_a_result_is_gone_when_it_expired(celery: Celery, start_worker: StartWorker) -> None:
    hasty = start_worker("hasty", "--queues", "slow", CELERY_RESULT_EXPIRES="1")

    def done() -> str:
        """The id of a task that this worker has done, and no other."""
        add.apply_async((2, 3), queue="slow")
        return next(iter(DONE.findall(hasty.log.read_text())), "")

    def gone() -> bool:
        celery.tasks["celery.backend_cleanup"].apply_async(queue="slow")
        return AsyncResult(done()).state == "PENDING"

    wait_until(lambda: bool(done()), "a result")
    wait_until(gone, "the result to expire")

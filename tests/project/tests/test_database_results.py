"""Results in Django's database can be updated, even within a transaction."""

from uuid import uuid4

import pytest
from celery import Celery
from django.db import transaction

from task_queue.models import DeadLetter

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_task_reports_its_progress_within_a_transaction(celery: Celery) -> None:
    task_id = str(uuid4())
    celery.backend.store_result(task_id, {"done": 1}, "PROGRESS")
    with transaction.atomic():
        celery.backend.store_result(task_id, {"done": 2}, "PROGRESS")
        DeadLetter.objects.create()
    assert celery.AsyncResult(task_id).info == {"done": 2}
    assert DeadLetter.objects.exists()

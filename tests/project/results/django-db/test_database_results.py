"""Results in Django's database: in a transaction, and of a chord whose part runs twice."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from celery import Celery, chord
from celery.app.task import Context
from django.db import transaction
from django_celery_results.models import ChordCounter  # type: ignore[attr-defined]

from task_queue.models import DeadLetter
from tests import Notes, wait_until
from tests.tasks import add, record, wait_for

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_task_reports_its_progress_within_a_transaction(celery: Celery) -> None:
    task_id = str(uuid4())
    celery.backend.store_result(task_id, {"done": 1}, "PROGRESS")
    with transaction.atomic():
        celery.backend.store_result(task_id, {"done": 2}, "PROGRESS")
        DeadLetter.objects.create()
    assert celery.AsyncResult(task_id).info == {"done": 2}
    assert DeadLetter.objects.exists()


@pytest.mark.usefixtures("worker")
def test_a_chord_whose_part_runs_twice_runs_its_body_once(
    celery: Celery, notes: Notes, tmp_path: Path
) -> None:
    body = record.si("body", notes.path)
    parts: Any = chord([add.s(1, 1), wait_for.s(notes.path, str(tmp_path / "end"))], body).delay()
    done, group = parts.parent[0], parts.parent.id
    wait_until(lambda: ChordCounter.objects.filter(group_id=group, count=1).exists(), "a part")
    # As if the worker had died before it acknowledged the task.
    celery.backend.on_chord_part_return(Context(id=done.id, group=group, chord=body), "SUCCESS", 2)
    (tmp_path / "end").touch()
    assert notes.wait(3) == ["started", "finished", "body"]
    wait_until(lambda: not ChordCounter.objects.exists(), "the end of the chord")

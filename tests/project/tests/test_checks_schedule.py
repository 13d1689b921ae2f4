"""Invalid entries in beat's schedule are reported, and make only one dead letter."""

from typing import Any

import pytest
from celery import Celery
from celery.beat import Scheduler
from celery.schedules import schedule

from config import celery_app
from task_queue.models import DeadLetter
from tests import is_idle, wait_until
from tests.checks import found

SENT = {"task": "tests.tasks.add", "schedule": 10, "args": (1, 2)}


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        (SENT | {"task": "tests.tasks.ad"}, "Task of kind 'tests.tasks.ad' never registered"),
        (SENT | {"options": {"queue": "slwo"}}, "Queue 'slwo' missing"),
        (SENT | {"options": {"countdown": "1"}}, "TypeError"),
        (SENT | {"option": {}}, "unexpected keyword argument 'option'"),
        (SENT | {"args": (1,)}, "missing 1 required positional argument: 'y'"),
        (SENT | {"kwargs": ["x"]}, "must be a mapping, not list"),
        (SENT | {"schedule": "10"}, "'str' object"),
        ({"task": "tests.tasks.add", "args": (1, 2)}, "'NoneType' object"),
        ([], "must be a mapping, not list"),
    ],
    ids=str,
)
def test_a_schedule_that_beat_cannot_send_is_reported(
    entry: Any, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(celery_app.conf.beat_schedule, "good", SENT)
    monkeypatch.setitem(celery_app.conf.beat_schedule, "bad", entry)
    [fault] = found()
    assert fault.startswith("task_queue.W005: Beat cannot send 'bad' of CELERY_BEAT_SCHEDULE: ")
    assert why in fault


@pytest.mark.usefixtures("worker")
@pytest.mark.django_db(transaction=True)
def test_an_unknown_periodic_task_is_one_dead_letter_however_often_it_is_sent(
    celery: Celery,
) -> None:
    beat = Scheduler(celery, lazy=True)
    for key in (1, 1, 2, 1):
        entry = Scheduler.Entry("x", "no.task", schedule=schedule(10), args=(key,), app=celery)
        beat.apply_async(entry, advance=False)
    # Tasks from other senders are not deduplicated.
    for _ in range(2):
        celery.send_task("no.task", (1,))
    wait_until(is_idle, what="the worker to receive all")
    assert DeadLetter.objects.filter(name="no.task", quarantined=True).count() == 2 + 2

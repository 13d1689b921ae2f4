"""Countdowns, ETAs and expiry."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from django.test import override_settings

from tests import Notes
from tests.tasks import record, record_time

pytestmark = pytest.mark.usefixtures("worker")

# Brokers may deliver a task that is due soon immediately, and hold back others.
DELAYS = (0.2, 1, 3)


def test_countdowns_are_kept_even_below_one_second(tmp_path: Path) -> None:
    ran = {seconds: Notes(tmp_path / str(seconds)) for seconds in DELAYS}
    sent = time.time()
    for seconds, notes in ran.items():
        record_time.apply_async((notes.path,), countdown=seconds)
    for seconds, notes in ran.items():
        assert float(notes.wait()[0]) - sent >= seconds


def test_etas_are_kept_even_below_one_second(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    ran = {now + timedelta(seconds=delay): Notes(tmp_path / str(delay)) for delay in DELAYS}
    for eta, notes in ran.items():
        record_time.apply_async((notes.path,), eta=eta)
    for eta, notes in ran.items():
        assert float(notes.wait()[0]) >= eta.timestamp()


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/Bogota"])
def test_naive_times_are_in_the_time_zone_of_the_project(
    zone: str, celery: Celery, tmp_path: Path
) -> None:
    late, early, soon = [Notes(tmp_path / name) for name in ("late", "early", "soon")]
    sent = time.time()
    with override_settings(TIME_ZONE=zone):
        # Django also sets the time zone of the process.
        now = datetime.now()
        expired = now - timedelta(minutes=10)
        as_text: Any = expired.isoformat()
        record.apply_async(("late", late.path), expires=expired)
        record.apply_async(("late", late.path), expires=as_text)
        celery.send_task(record.name, ("late", late.path), expires=expired)
        record.apply_async(("early", early.path), expires=now + timedelta(hours=1))
        record_time.apply_async((soon.path,), eta=now + timedelta(seconds=1))
        celery.send_task(record_time.name, (soon.path,), eta=now + timedelta(seconds=1))
    assert min(map(float, soon.wait(2))) >= sent + 1
    assert (late.lines, early.wait()) == ([], ["early"])

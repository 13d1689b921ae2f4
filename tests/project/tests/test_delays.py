"""Tasks that are to run later run then, not before, and are not lost."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.fixtures import Notes
from tests.tasks import record_time

pytestmark = pytest.mark.usefixtures("worker")

# Some brokers hand over what is due soon, and keep the rest.
DELAYS = (0.2, 1, 3)


def test_countdowns_are_kept_also_below_one_second(tmp_path: Path) -> None:
    ran = {seconds: Notes(tmp_path / str(seconds)) for seconds in DELAYS}
    sent = time.time()
    for seconds, notes in ran.items():
        record_time.apply_async((notes.path,), countdown=seconds)
    for seconds, notes in ran.items():
        assert float(notes.wait()[0]) - sent >= seconds


def test_etas_are_kept_also_below_one_second(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    ran = {now + timedelta(seconds=delay): Notes(tmp_path / str(delay)) for delay in DELAYS}
    for eta, notes in ran.items():
        record_time.apply_async((notes.path,), eta=eta)
    for eta, notes in ran.items():
        assert float(notes.wait()[0]) >= eta.timestamp()

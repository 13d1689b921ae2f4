"""Tasks that are to run later run then, not before, and are not lost."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from tests.conftest import Notes
from tests.tasks import record_time

pytestmark = pytest.mark.usefixtures("worker")


@pytest.mark.parametrize("seconds", [0.2, 1, 1.5])
def test_a_countdown_is_kept(notes: Notes, seconds: float) -> None:
    sent = time.time()
    record_time.apply_async((notes.path,), countdown=seconds)
    waited = float(notes.wait()[0]) - sent
    assert seconds <= waited < seconds + 3


@pytest.mark.parametrize("seconds", [0.2, 1, 1.5])
def test_an_eta_is_kept(notes: Notes, seconds: float) -> None:
    eta = datetime.now(UTC) + timedelta(seconds=seconds)
    record_time.apply_async((notes.path,), eta=eta)
    assert 0 <= float(notes.wait()[0]) - eta.timestamp() < 3

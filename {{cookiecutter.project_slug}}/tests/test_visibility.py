"""A delay that would make a task run twice is refused when it is sent."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from tests.conftest import Notes
from tests.tasks import record


@pytest.mark.parametrize("countdown", [settings.VISIBILITY_TIMEOUT, 10**6])
def test_a_delay_beyond_the_visibility_timeout_is_refused(notes: Notes, countdown: int) -> None:
    with pytest.raises(ValueError, match="would run twice: keep it below"):
        record.apply_async(("twice", notes.path), countdown=countdown)
    with pytest.raises(ValueError, match="would run twice: keep it below"):
        record.apply_async(("twice", notes.path), eta=timezone.now() + timedelta(seconds=countdown))

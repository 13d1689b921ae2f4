"""Management commands for running the periodic tasks from cron."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from gallery.models import Album, State
from tests import wait_until
from tests.gallery.conftest import an_hour_passes, wait_for_state
from tests.gallery.test_stalled_jobs import lost_album

pytestmark = [pytest.mark.usefixtures("worker"), pytest.mark.django_db(transaction=True)]


def test_the_command_removes_old_albums() -> None:
    Album.objects.create(title="old")
    Album.objects.update(created_at=timezone.now() - timedelta(days=8))
    call_command("remove_old_albums")
    wait_until(lambda: not Album.objects.exists())


def test_the_command_requeues_lost_tasks() -> None:
    photograph = lost_album().photographs.get()
    an_hour_passes()
    call_command("requeue_stalled")
    wait_for_state(photograph, State.DONE)

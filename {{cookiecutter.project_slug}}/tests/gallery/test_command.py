"""The nightly removal is a command, for cron."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from gallery.models import Album
from tests.conftest import wait_until

pytestmark = [pytest.mark.usefixtures("worker"), pytest.mark.django_db(transaction=True)]


def test_a_worker_removes_old_albums_when_asked() -> None:
    Album.objects.create(title="old")
    Album.objects.update(created_at=timezone.now() - timedelta(days=8))
    call_command("remove_old_albums")
    wait_until(lambda: not Album.objects.exists())

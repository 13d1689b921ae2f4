"""The nightly removal is scheduled, in the admin."""

import pytest
from django.core.management import call_command
from django_celery_beat.models import PeriodicTask

from gallery.tasks import remove_old_albums


@pytest.mark.django_db(transaction=True)
def test_old_albums_are_removed_each_night() -> None:
    """Applied again, since other tests may have emptied the table."""
    call_command("migrate", "gallery", "0001", verbosity=0)
    call_command("migrate", "gallery", verbosity=0)
    task = PeriodicTask.objects.get(task=remove_old_albums.name)
    assert task.enabled
    assert (task.crontab.hour, task.crontab.minute) == ("3", "0")

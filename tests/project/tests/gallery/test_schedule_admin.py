"""The periodic tasks are scheduled in the admin."""

import pytest
from django.core.management import call_command
from django_celery_beat.models import PeriodicTask

from gallery.tasks import remove_old_albums, requeue_stalled


@pytest.mark.django_db(transaction=True)
def test_the_schedule_is_in_the_admin() -> None:
    """Migrate again, since other tests may have emptied the table."""
    call_command("migrate", "gallery", "0001", verbosity=0)
    assert not PeriodicTask.objects.filter(task__startswith="gallery.").exists()
    call_command("migrate", "gallery", verbosity=0)
    removal = PeriodicTask.objects.get(task=remove_old_albums.name, enabled=True)
    assert (removal.crontab.hour, removal.crontab.minute) == ("3", "0")
    sending = PeriodicTask.objects.get(task=requeue_stalled.name, enabled=True)
    assert (sending.interval.every, sending.interval.period) == (10, "minutes")

"""The nightly removal is scheduled, in the settings."""

from celery.schedules import crontab
from django.conf import settings

from gallery.tasks import remove_old_albums


def test_old_albums_are_removed_each_night() -> None:
    schedules = [
        entry["schedule"]
        for entry in settings.CELERY_BEAT_SCHEDULE.values()
        if entry["task"] == remove_old_albums.name
    ]
    assert schedules == [crontab(hour=3, minute=0)]

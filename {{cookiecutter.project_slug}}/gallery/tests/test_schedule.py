"""What runs by the clock is scheduled, in the settings."""

from celery.schedules import crontab
from django.conf import settings

from gallery.tasks import remove_old_albums, resend_lost_tasks


def schedule_of(task: str) -> object:
    [entry] = [entry for entry in settings.CELERY_BEAT_SCHEDULE.values() if entry["task"] == task]
    return entry["schedule"]


def test_old_albums_are_removed_each_night() -> None:
    assert schedule_of(remove_old_albums.name) == crontab(hour=3, minute=0)


def test_lost_tasks_are_sent_again_every_ten_minutes() -> None:
    assert schedule_of(resend_lost_tasks.name) == 600

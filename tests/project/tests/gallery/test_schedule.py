"""The periodic tasks are scheduled in the settings."""

from celery.schedules import crontab
from django.conf import settings

from gallery.tasks import remove_old_albums, requeue_stalled


def schedule_of(task: str) -> object:
    [entry] = [entry for entry in settings.CELERY_BEAT_SCHEDULE.values() if entry["task"] == task]
    return entry["schedule"]


def test_old_albums_are_removed_each_night() -> None:
    assert schedule_of(remove_old_albums.name) == crontab(hour=3, minute=0)


def test_stalled_jobs_are_requeued_every_ten_minutes() -> None:
    assert schedule_of(requeue_stalled.name) == 600

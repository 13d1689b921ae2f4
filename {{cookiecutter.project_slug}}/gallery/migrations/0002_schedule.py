from django.db import migrations


def add_schedule(apps, schema_editor):
    """Create the periodic tasks. Change them in the admin."""
    night, _ = apps.get_model("django_celery_beat", "CrontabSchedule").objects.get_or_create(
        minute="0", hour="3"
    )
    ten_minutes, _ = apps.get_model("django_celery_beat", "IntervalSchedule").objects.get_or_create(
        every=10, period="minutes"
    )
    tasks = apps.get_model("django_celery_beat", "PeriodicTask").objects
    tasks.get_or_create(
        name="Remove old albums",
        defaults={"task": "gallery.tasks.remove_old_albums", "crontab": night},
    )
    tasks.get_or_create(
        name="Requeue stalled tasks of the gallery",
        defaults={"task": "gallery.tasks.requeue_stalled", "interval": ten_minutes},
    )


def remove_schedule(apps, schema_editor):
    tasks = apps.get_model("django_celery_beat", "PeriodicTask").objects
    tasks.filter(task__startswith="gallery.tasks.").delete()


class Migration(migrations.Migration):
    dependencies = [
        ("gallery", "0001_initial"),
        ("django_celery_beat", "0019_alter_periodictasks_options"),
    ]

    operations = [migrations.RunPython(add_schedule, remove_schedule)]

from django.db import migrations


def add_schedule(apps, schema_editor):
    """Puts the nightly removal into the admin, where it can be changed from now on."""
    night, _ = apps.get_model("django_celery_beat", "CrontabSchedule").objects.get_or_create(
        minute="0", hour="3"
    )
    apps.get_model("django_celery_beat", "PeriodicTask").objects.get_or_create(
        name="Remove old albums",
        defaults={"task": "gallery.tasks.remove_old_albums", "crontab": night},
    )


def remove_schedule(apps, schema_editor):
    tasks = apps.get_model("django_celery_beat", "PeriodicTask").objects
    tasks.filter(task="gallery.tasks.remove_old_albums").delete()


class Migration(migrations.Migration):
    dependencies = [
        ("gallery", "0001_initial"),
        ("django_celery_beat", "0019_alter_periodictasks_options"),
    ]

    operations = [migrations.RunPython(add_schedule, remove_schedule)]

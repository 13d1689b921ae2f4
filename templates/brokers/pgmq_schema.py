"""Install PGMQ's functions and tables, in the schema `pgmq`, unless they are there already."""

from django.conf import settings
from django.core.management import CommandError
from django.db import migrations
from pgmq.install import get_embedded_install_sql

FIELDS = "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass('pgmq.message_record')"
DROP = "SELECT pgmq.drop_queue(queue_name) FROM pgmq.meta WHERE queue_name = ANY(%s)"


def install(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(FIELDS)
        fields = [name for (name,) in cursor]
        if not fields:
            cursor.execute(get_embedded_install_sql())
        elif "last_read_at" not in fields:
            raise CommandError(
                "The database has a PGMQ that is older than 1.10. Update it, such as by"
                " ALTER EXTENSION pgmq UPDATE, and migrate again."
            )


def remove_queues(apps, schema_editor):
    """Drop the queues of this project. PGMQ itself stays: others may have queues, too."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(DROP, [[queue.name for queue in settings.CELERY_TASK_QUEUES]])


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [migrations.RunPython(install, remove_queues)]

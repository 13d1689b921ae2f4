"""Installs PGMQ's functions and tables, in the schema `pgmq`."""

from django.db import migrations
from pgmq.install import get_embedded_install_sql


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.RunSQL(get_embedded_install_sql(), reverse_sql="DROP SCHEMA pgmq CASCADE"),
    ]

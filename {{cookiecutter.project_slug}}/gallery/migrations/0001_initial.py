import uuid

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import gallery.models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Album",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("title", models.CharField(max_length=200)),
                (
                    "visitor",
                    models.CharField(
                        blank=True,
                        db_index=True,
                        max_length=32,
                        verbose_name="visitor (empty: all)",
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, db_index=True)),
            ],
            options={
                "ordering": ("-created_at",),
            },
        ),
        migrations.CreateModel(
            name="Photograph",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "waiting for a worker"),
                            ("working", "working"),
                            ("retrying", "trying again"),
                            ("done", "done"),
                            ("failed", "failed"),
                            ("cancelled", "cancelled"),
                        ],
                        default="waiting",
                        max_length=10,
                    ),
                ),
                (
                    "error",
                    models.CharField(blank=True, max_length=200, verbose_name="error message"),
                ),
                (
                    "task_id",
                    models.CharField(blank=True, max_length=36, verbose_name="task id"),
                ),
                (
                    "routing_key",
                    models.CharField(blank=True, max_length=255, verbose_name="routing key"),
                ),
                (
                    "worker",
                    models.CharField(blank=True, max_length=255, verbose_name="worker"),
                ),
                (
                    "attempts",
                    models.PositiveIntegerField(default=0, verbose_name="attempts"),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "started_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="first started at"),
                ),
                ("changed_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("name", models.CharField(max_length=200)),
                ("file", models.FileField(upload_to=gallery.models.original_name)),
                ("thumbnail", models.FileField(editable=False, upload_to="gallery/thumbnails")),
                (
                    "album",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="photographs",
                        to="gallery.album",
                    ),
                ),
            ],
            options={
                "ordering": ("created_at",),
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Sheet",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "waiting for a worker"),
                            ("working", "working"),
                            ("retrying", "trying again"),
                            ("done", "done"),
                            ("failed", "failed"),
                            ("cancelled", "cancelled"),
                        ],
                        default="waiting",
                        max_length=10,
                    ),
                ),
                (
                    "error",
                    models.CharField(blank=True, max_length=200, verbose_name="error message"),
                ),
                (
                    "task_id",
                    models.CharField(blank=True, max_length=36, verbose_name="task id"),
                ),
                (
                    "routing_key",
                    models.CharField(blank=True, max_length=255, verbose_name="routing key"),
                ),
                (
                    "worker",
                    models.CharField(blank=True, max_length=255, verbose_name="worker"),
                ),
                (
                    "attempts",
                    models.PositiveIntegerField(default=0, verbose_name="attempts"),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "started_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="first started at"),
                ),
                ("changed_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("file", models.FileField(editable=False, upload_to="gallery/sheets")),
                ("pages", models.PositiveIntegerField(default=0, editable=False)),
                ("pages_done", models.PositiveIntegerField(default=0, editable=False)),
                (
                    "album",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="sheets",
                        to="gallery.album",
                    ),
                ),
            ],
            options={
                "ordering": ("created_at",),
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Email",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "waiting for a worker"),
                            ("working", "working"),
                            ("retrying", "trying again"),
                            ("done", "done"),
                            ("failed", "failed"),
                            ("cancelled", "cancelled"),
                        ],
                        default="waiting",
                        max_length=10,
                    ),
                ),
                (
                    "error",
                    models.CharField(blank=True, max_length=200, verbose_name="error message"),
                ),
                (
                    "task_id",
                    models.CharField(blank=True, max_length=36, verbose_name="task id"),
                ),
                (
                    "routing_key",
                    models.CharField(blank=True, max_length=255, verbose_name="routing key"),
                ),
                (
                    "worker",
                    models.CharField(blank=True, max_length=255, verbose_name="worker"),
                ),
                (
                    "attempts",
                    models.PositiveIntegerField(default=0, verbose_name="attempts"),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "started_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="first started at"),
                ),
                ("changed_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("address", models.EmailField(max_length=254)),
                (
                    "due_at",
                    models.DateTimeField(
                        blank=True, null=True, verbose_name="send at (empty: immediately)"
                    ),
                ),
                (
                    "sheet",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, to="gallery.sheet"
                    ),
                ),
            ],
            options={
                "ordering": ("created_at",),
                "abstract": False,
            },
        ),
    ]

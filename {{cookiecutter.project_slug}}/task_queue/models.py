"""Tasks that could not run, and signs that others did."""

from typing import Self

from celery import Task
from celery.app.task import Context
from django.conf import settings
from django.db import models, transaction
from kombu.utils.json import dumps


class DeadLetter(models.Model):
    """A task that cannot run, kept until somebody retries or deletes it in the admin.

    A row that is not quarantined only counts the restarts of a task, and is deleted when it ends.
    """

    id = models.CharField(primary_key=True, max_length=255)
    name = models.CharField(max_length=255)
    signature = models.TextField(help_text="The task and its arguments, as JSON.")
    restarts = models.PositiveIntegerField(default=0)
    updated_at = models.DateTimeField(auto_now=True)
    quarantined = models.BooleanField(default=False)

    class Meta:
        ordering = ("-quarantined", "-updated_at")

    def __str__(self) -> str:
        return f"{self.name}[{self.id}]"

    @classmethod
    def count_restart(cls, task: Task) -> Self:
        """Count that a worker starts the running task again; quarantine it after too many."""
        defaults = {
            "name": task.request.shadow or task.name,
            "signature": dumps(task.signature_from_request()),
        }
        cls.objects.get_or_create(id=task.request.id, defaults=defaults)
        # Two workers may count the same task.
        with transaction.atomic():
            letter = cls.objects.select_for_update().get(id=task.request.id)
            letter.restarts += 1
            letter.quarantined = letter.restarts > settings.TASK_MAX_RESTARTS
            letter.save()
        return letter

    @classmethod
    def quarantine(cls, task: Task, request: Context) -> None:
        """Keep a task that this worker does not know, for a version that does."""
        signature = dumps(task.signature_from_request(request))
        defaults = {"name": task.name, "signature": signature, "quarantined": True}
        # Another version may have started it before.
        cls.objects.update_or_create(id=request.id, defaults=defaults)


class Heartbeat(models.Model):
    """A sign of life: when something last ran, by its name."""

    name = models.CharField(primary_key=True, max_length=255)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} at {self.at.isoformat()}"

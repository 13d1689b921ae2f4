"""Tasks that did not end."""

from typing import Self

from celery import Task
from celery.app.task import Context
from django.conf import settings
from django.db import models, transaction
from kombu.utils.json import dumps


class InterruptedTask(models.Model):
    """A task that was started again, since its process died or was stopped.

    The row goes when the task ends. One that was started again too often is set aside instead, as
    is one that the worker does not know, since another version of the project has sent it.
    """

    id = models.CharField(primary_key=True, max_length=255)
    name = models.CharField(max_length=255)
    signature = models.TextField(help_text="What was sent, as JSON.")
    restarts = models.PositiveIntegerField(default=0)
    restarted_at = models.DateTimeField(auto_now=True)
    set_aside = models.BooleanField(default=False)

    class Meta:
        ordering = ("-set_aside", "-restarted_at")

    def __str__(self) -> str:
        return f"{self.name}[{self.id}]"

    @classmethod
    def count_restart(cls, task: Task) -> Self:
        """Notes that a worker starts the task once more, and sets it aside if that is too often."""
        what = {
            "name": task.request.shadow or task.name,
            "signature": dumps(task.signature_from_request()),
        }
        cls.objects.get_or_create(id=task.request.id, defaults=what)
        # Two workers may count the same task at once.
        with transaction.atomic():
            interrupted = cls.objects.select_for_update().get(id=task.request.id)
            interrupted.restarts += 1
            interrupted.set_aside = interrupted.restarts > settings.TASK_MAX_RESTARTS
            interrupted.save()
        return interrupted

    @classmethod
    def set_aside_unknown(cls, task: Task, request: Context) -> None:
        """Notes a task that the worker does not know, to be sent again to one that does."""
        signature = task.signature_from_request(request)
        what = {"name": task.name, "signature": dumps(signature), "set_aside": True}
        # An earlier version may have started it.
        cls.objects.update_or_create(id=request.id, defaults=what)

"""What shows that a task ran, wherever results go."""

import uuid

from django.db import models


class Probe(models.Model):
    """A task that `manage.py wiring` sent: the worker that runs it removes the row.

    Also a row for the tasks that `manage.py benchmark` sends.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    sent_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return str(self.id)

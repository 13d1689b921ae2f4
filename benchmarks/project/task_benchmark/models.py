import uuid

from django.conf import settings
from django.db import models


class Row(models.Model):
    """A row for tasks to read and write. The measure creates its table, and deletes it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        # Two benchmarks on one database have a table each.
        db_table = f"{settings.QUEUE_PREFIX}_row"

    def __str__(self) -> str:
        return str(self.id)

"""What proves that beat sends what is due."""

from django.db import models


class Heartbeat(models.Model):
    """When a worker last ran the task that beat sends once a minute. One row."""

    at = models.DateTimeField()

    def __str__(self) -> str:
        return self.at.isoformat()

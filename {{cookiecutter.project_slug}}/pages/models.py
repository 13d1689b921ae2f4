"""What the page shows, kept in the database: so it works wherever results go."""

from django.db import models


class Text(models.Model):
    """A text, and how many words a worker counted in it."""

    text = models.TextField(max_length=10_000)
    words = models.PositiveIntegerField(null=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return self.text[:50]

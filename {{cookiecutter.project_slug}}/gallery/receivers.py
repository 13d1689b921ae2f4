# {% from "project.jinja" import broker with context %}
"""Delete the files of deleted rows, including rows that are deleted in the admin."""

from functools import partial

from django.db import transaction
from django.db.models import FileField
from django.db.models.signals import post_delete
from django.dispatch import receiver

# {% if broker.broadcasts %}
from gallery.models import Album, Photograph, Sheet
from gallery.tasks import prune_thumbnail_cache
from task_queue.base import broadcast
# {% else %}
from gallery.models import Photograph, Sheet
# {% endif %}


@receiver(post_delete, sender=Photograph)
@receiver(post_delete, sender=Sheet)
def delete_files(instance: Photograph | Sheet, **kwargs: object) -> None:
    """Delete the files after the commit: a rollback keeps the row, and its files."""
    for field in instance._meta.fields:
        if isinstance(field, FileField) and (file := getattr(instance, field.name)):
            transaction.on_commit(partial(file.storage.delete, file.name))
# {% if broker.broadcasts %}


@receiver(post_delete, sender=Album)
def prune_thumbnail_caches(**kwargs: object) -> None:
    """Broadcast a task to every worker, since each has a cache of its own.

    If the broker is down, a worker deletes the copies when it draws its next sheet.
    """
    # A lambda: Django logs the name of a function that fails, and a partial has none.
    transaction.on_commit(lambda: broadcast(prune_thumbnail_cache), robust=True)
# {% endif %}

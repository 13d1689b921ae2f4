# {% import "brokers/" ~ cookiecutter.broker ~ ".jinja" as broker with context %}
"""What goes with a row that is removed, also when that happens in the admin."""

from functools import partial

from django.db import transaction
from django.db.models import FileField
from django.db.models.signals import post_delete
from django.dispatch import receiver

# {% if broker.broadcasts %}
from config.broadcast import broadcast
from gallery.models import Album, Photograph, Sheet
from gallery.tasks import tidy_copies
# {% else %}
from gallery.models import Photograph, Sheet
# {% endif %}


@receiver(post_delete, sender=Photograph)
@receiver(post_delete, sender=Sheet)
def remove_files(instance: Photograph | Sheet, **kwargs: object) -> None:
    """Files go, but not before it is sure that the row does."""
    for field in instance._meta.fields:
        if isinstance(field, FileField) and (file := getattr(instance, field.name)):
            transaction.on_commit(partial(file.storage.delete, file.name))
# {% if broker.broadcasts %}


@receiver(post_delete, sender=Album)
def remove_copies(**kwargs: object) -> None:
    """Each worker has copies of its own, so each is told: one message, as many tasks as workers.

    While the broker is away, they stay until a worker draws its next sheet.
    """
    # A lambda, since Django names what failed, and a partial has no name.
    transaction.on_commit(lambda: broadcast(tidy_copies), robust=True)
# {% endif %}

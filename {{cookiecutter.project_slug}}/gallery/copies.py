"""Copies of thumbnails on a worker's own disk: the next sheet need not fetch them from storage."""

import os
from pathlib import Path
from tempfile import gettempdir
from uuid import UUID

from celery import current_task
from django.conf import settings

from gallery.models import Photograph


def folder() -> Path:
    """Where the worker that runs this keeps its copies; its processes share them."""
    return Path(gettempdir()) / f"{settings.QUEUE_PREFIX}-{current_task.request.hostname}"


def copy(photograph: Photograph) -> Path:
    """Returns a file with the thumbnail of a photograph."""
    path = folder() / f"{photograph.pk}.jpg"
    if not path.exists():
        path.parent.mkdir(mode=0o700, exist_ok=True)
        # Anybody may have made it, in the folder for everybody's temporary files.
        if path.parent.lstat().st_uid != os.getuid():
            raise PermissionError(f"{path.parent} belongs to somebody else")
        unfinished = path.with_suffix(f".{os.getpid()}")
        with photograph.thumbnail.open() as thumbnail:
            unfinished.write_bytes(thumbnail.read())
        # All of it appears at once: another process may be looking.
        unfinished.replace(path)
    return path


def tidy() -> None:
    """Removes the copies of photographs that are gone."""
    copies = {UUID(path.stem): path for path in folder().glob("*.jpg")}
    kept = Photograph.objects.filter(pk__in=copies).values_list("pk", flat=True)
    for gone in copies.keys() - set(kept):
        copies[gone].unlink(missing_ok=True)

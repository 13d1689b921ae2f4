"""Copies of thumbnails on a worker's own disk, so that the next sheet need not fetch them again."""

import os
from pathlib import Path
from tempfile import gettempdir
from uuid import UUID

from celery import current_task
from django.conf import settings

from gallery.models import Photograph


def folder() -> Path:
    """Return the folder of the worker that runs this. Its processes share it."""
    return Path(gettempdir()) / f"{settings.QUEUE_PREFIX}-{current_task.request.hostname}"


def cached_thumbnail(photograph: Photograph) -> Path:
    """Return a local file with the thumbnail of a photograph."""
    path = folder() / f"{photograph.pk}.jpg"
    if not path.exists():
        path.parent.mkdir(mode=0o700, exist_ok=True)
        # Any user of this machine can create folders in the temporary directory.
        if path.parent.lstat().st_uid != os.getuid():
            raise PermissionError(f"{path.parent} belongs to another user")
        unfinished = path.with_suffix(f".{os.getpid()}")
        with photograph.thumbnail.open() as thumbnail:
            unfinished.write_bytes(thumbnail.read())
        # Atomic, so that no other process reads half a file.
        unfinished.replace(path)
    return path


def prune() -> None:
    """Delete the copies of photographs that no longer exist."""
    copies = {UUID(path.stem): path for path in folder().glob("*.jpg")}
    kept = Photograph.objects.filter(pk__in=copies).values_list("pk", flat=True)
    for deleted in copies.keys() - set(kept):
        copies[deleted].unlink(missing_ok=True)

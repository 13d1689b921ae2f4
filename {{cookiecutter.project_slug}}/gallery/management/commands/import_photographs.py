"""`manage.py import_photographs FOLDER`"""

from contextlib import ExitStack
from itertools import batched
from pathlib import Path
from typing import Any

from django.core.files import File
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.template.defaultfilters import pluralize
from kombu.exceptions import OperationalError

from gallery.models import Album, Photograph
from gallery.workflows import enqueue_import

BATCH_SIZE = 100


class Command(BaseCommand):
    help = "Imports the photographs in a folder into an album that all visitors see."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path)

    def handle(self, *args: Any, folder: Path, **options: Any) -> None:
        if not folder.is_dir():
            raise CommandError(f"{folder} is not a folder. Give one such as ~/Pictures.")
        if not any(path.is_file() for path in folder.iterdir()):
            raise CommandError(f"{folder} has no files. Give a folder such as ~/Pictures.")
        album = Album.objects.create(title=folder.resolve().name)
        # In batches, so that memory and messages stay small, and workers start on the first ones
        # while the rest is being copied.
        paths = (path for path in sorted(folder.iterdir()) if path.is_file())
        count = 0
        reachable = True
        for batch in batched(paths, BATCH_SIZE):
            count += len(batch)
            photographs = store(album, batch)
            if reachable:
                try:
                    enqueue_import(photographs)
                except OperationalError:
                    # `requeue_stalled` sends them.
                    reachable = False
        imported = f"{count} photograph{pluralize(count)}"
        when = "" if reachable else " once the broker answers again"
        self.stdout.write(f"Imported {imported}. Workers will make the thumbnails{when}.")


def store(album: Album, paths: tuple[Path, ...]) -> list[Any]:
    """Copy files into the storage, create their rows, and return their keys."""
    photographs = [Photograph(album=album, name=path.name) for path in paths]
    with ExitStack() as undo:
        for photograph, path in zip(photographs, paths, strict=True):
            undo.callback(photograph.remove_original)
            with path.open("rb") as file:
                photograph.file.save(path.name, File(file), save=False)
        Photograph.objects.bulk_create(photographs)
        undo.pop_all()
    return [photograph.pk for photograph in photographs]

"""`manage.py import_photographs FOLDER`"""

from contextlib import ExitStack
from itertools import batched
from pathlib import Path
from typing import Any

from django.core.files import File
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.template.defaultfilters import pluralize

from gallery.models import Album, Photograph
from gallery.orders import photographs_imported

AT_ONCE = 100


class Command(BaseCommand):
    help = "Imports the photographs of a folder into an album that everybody sees."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path)

    def handle(self, *args: Any, folder: Path, **options: Any) -> None:
        if not folder.is_dir():
            raise CommandError(f"{folder} is no folder: give one that holds photographs.")
        if not any(path.is_file() for path in folder.iterdir()):
            raise CommandError(f"{folder} holds no file: give a folder with photographs.")
        album = Album.objects.create(title=folder.resolve().name)
        # Piece by piece: neither the memory nor a message has to hold them all, and the first
        # thumbnails are there while the last files are still being copied.
        paths = (path for path in sorted(folder.iterdir()) if path.is_file())
        count = 0
        for piece in batched(paths, AT_ONCE, strict=False):
            count += len(piece)
            photographs_imported(store(album, piece))
        photographs = f"{count} photograph{pluralize(count)}"
        self.stdout.write(f"Imported {photographs}. Workers make the thumbnails now.")


def store(album: Album, paths: tuple[Path, ...]) -> list[Any]:
    """Copies files into the storage and notes them. Returns their keys."""
    photographs = [Photograph(album=album, name=path.name) for path in paths]
    with ExitStack() as undo:
        for photograph, path in zip(photographs, paths, strict=True):
            undo.callback(photograph.remove_original)
            with path.open("rb") as file:
                photograph.file.save(path.name, File(file), save=False)
        Photograph.objects.bulk_create(photographs)
        undo.pop_all()
    return [photograph.pk for photograph in photographs]

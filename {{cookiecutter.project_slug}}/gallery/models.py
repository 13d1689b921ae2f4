"""What visitors see of the work of tasks is kept here: so it is there wherever results go."""

from collections.abc import Iterable
from typing import Self
from uuid import UUID, uuid4

from django.core.files.base import ContentFile
from django.db import models, transaction
from django.db.models.fields.files import FieldFile


class State(models.TextChoices):
    WAITING = "waiting", "waiting for a worker"
    WORKING = "working", "working"
    RETRYING = "retrying", "trying again"
    DONE = "done", "done"
    FAILED = "failed", "failed"
    CANCELLED = "cancelled", "cancelled"


UNDER_WAY = (State.WAITING, State.WORKING, State.RETRYING)


def is_free_for(task_id: str) -> models.Q:
    """What a task may begin with: no other works on it. One whose worker died goes on."""
    waits = models.Q(state__in=(State.WAITING, State.RETRYING))
    return waits | models.Q(state=State.WORKING, task_id=task_id)


class Album(models.Model):
    """Photographs that were uploaded, or imported, together."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    title = models.CharField(max_length=200)
    visitor = models.CharField("who sees it; empty: all", max_length=32, blank=True, db_index=True)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return self.title


class Job(models.Model):
    """What a task makes, and how it goes."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    error = models.CharField("what went wrong, in words", max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        abstract = True
        ordering = ("created_at",)

    @property
    def is_under_way(self) -> bool:
        return self.state in UNDER_WAY

    @classmethod
    def change(cls, keys: Iterable[UUID], state: State, error: str = "") -> int:
        """Changes the state of jobs, of those that are under way. Returns of how many.

        One statement asks and changes: where two want it at once, one gets it.
        """
        jobs = cls._default_manager.filter(pk__in=keys, state__in=UNDER_WAY)
        return jobs.update(state=state, error=error)

    def finish(self, file: FieldFile, name: str, content: bytes) -> None:
        """Keeps what was made, unless the job was ended meanwhile, by whomever."""
        with transaction.atomic():
            jobs = type(self)._default_manager.select_for_update()
            if jobs.filter(pk=self.pk, state__in=UNDER_WAY).exists():
                # A run that died before it could save left a file without a row.
                file.storage.delete(file.field.generate_filename(self, name))
                self.state, self.error = State.DONE, ""
                file.save(name, ContentFile(content))


def original_name(photograph: "Photograph", name: str) -> str:
    """Nothing of a visitor's own choosing becomes part of a file's name."""
    return f"gallery/originals/{photograph.pk}"


class Photograph(Job):
    """A photograph, and the thumbnail that a task makes of it."""

    album = models.ForeignKey(Album, models.CASCADE, related_name="photographs")
    name = models.CharField(max_length=200)
    file = models.FileField(upload_to=original_name)
    thumbnail = models.FileField(upload_to="gallery/thumbnails", editable=False)

    def __str__(self) -> str:
        return self.name


class Sheet(Job):
    """A contact sheet: a PDF with the thumbnails of an album."""

    album = models.ForeignKey(Album, models.CASCADE, related_name="sheets")
    file = models.FileField(upload_to="gallery/sheets", editable=False)
    pages = models.PositiveIntegerField(default=0, editable=False)
    pages_done = models.PositiveIntegerField(default=0, editable=False)
    task_id = models.CharField("the task that draws it", max_length=36, blank=True, editable=False)

    def __str__(self) -> str:
        return f"Contact sheet of {self.album}"

    @classmethod
    def change(cls, keys: Iterable[UUID], state: State, error: str = "") -> int:
        """As with every job. Where a sheet ends without being done, so does its e-mail."""
        with transaction.atomic():
            count = super().change(keys, state, error)
            if state not in UNDER_WAY:
                emails = Email.objects.filter(sheet__in=keys, sheet__state=state)
                reason = "There is no contact sheet to send." if error else ""
                Email.change(emails.values_list("pk", flat=True), state, reason)
        return count

    @classmethod
    def begin(cls, key: UUID, task_id: str) -> Self | None:
        """The sheet, if this task is to draw it now.

        It is not if photographs are still under way, if the sheet was cancelled, or if another task
        draws it already.
        """
        sheets = cls.objects.filter(is_free_for(task_id), pk=key)
        sheets = sheets.exclude(album__photographs__state__in=UNDER_WAY)
        if sheets.update(state=State.WORKING, task_id=task_id, pages_done=0):
            return cls.objects.filter(pk=key).first()
        return None


class Email(Job):
    """A contact sheet on its way to somebody."""

    sheet = models.OneToOneField(Sheet, models.CASCADE)
    address = models.EmailField()
    due_at = models.DateTimeField("when to send it; empty: at once", null=True, blank=True)
    task_id = models.CharField("the task that sends it", max_length=36, blank=True, editable=False)

    def __str__(self) -> str:
        return f"{self.sheet} to {self.address}"

    @classmethod
    def begin(cls, key: UUID, task_id: str) -> Self | None:
        """The e-mail, if this task is to send it now: not if it was cancelled, or another does."""
        emails = cls.objects.filter(is_free_for(task_id), pk=key)
        if emails.update(state=State.WORKING, task_id=task_id, error=""):
            return cls.objects.filter(pk=key).first()
        return None

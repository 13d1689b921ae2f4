"""Albums and jobs. They hold the state that visitors see, so no result backend is needed."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Self
from uuid import UUID, uuid4

from celery.app.task import Context
from django.conf import settings
from django.core.files.base import ContentFile
from django.db import models, transaction
from django.db.models.fields.files import FieldFile
from django.db.models.functions import Coalesce
from django.utils import timezone


class State(models.TextChoices):
    WAITING = "waiting", "waiting for a worker"
    WORKING = "working", "working"
    RETRYING = "retrying", "trying again"
    DONE = "done", "done"
    FAILED = "failed", "failed"
    CANCELLED = "cancelled", "cancelled"


UNDER_WAY = (State.WAITING, State.WORKING, State.RETRYING)
# A job unchanged for longer has stalled: no task may run that long, so it may be lost.
LONG_WAIT = timedelta(seconds=settings.CELERY_TASK_TIME_LIMIT, minutes=4)


class Album(models.Model):
    """Photographs that were uploaded or imported together."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    title = models.CharField(max_length=200)
    visitor = models.CharField("visitor (empty: all)", max_length=32, blank=True, db_index=True)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return self.title


class Job(models.Model):
    """The state of something that a task makes."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    error = models.CharField("error message", max_length=200, blank=True)
    task_id = models.CharField("task id", max_length=36, blank=True)
    routing_key = models.CharField("routing key", max_length=255, blank=True)
    worker = models.CharField("worker", max_length=255, blank=True)
    attempts = models.PositiveIntegerField("attempts", default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField("first started at", null=True, blank=True)
    changed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        abstract = True
        ordering = ("created_at",)

    @property
    def is_under_way(self) -> bool:
        return self.state in UNDER_WAY

    @property
    def seconds_waited(self) -> float:
        """Return how long its task waited for a worker, or has waited so far."""
        until = self.started_at or (timezone.now() if self.is_under_way else self.changed_at)
        return (until - self.created_at).total_seconds()

    @property
    def seconds_run(self) -> float | None:
        """Return how long its task ran, with its retries, or has run so far."""
        if not self.started_at:
            return None
        until = timezone.now() if self.is_under_way else self.changed_at
        return (until - self.started_at).total_seconds()

    @classmethod
    def ready(cls) -> models.QuerySet[Self]:
        """Return the jobs that depend on no other job."""
        return cls._default_manager.all()

    @classmethod
    def stalled(cls) -> models.QuerySet[Self]:
        """Return the jobs that are ready and under way, but have not changed for long."""
        long_ago = timezone.now() - LONG_WAIT
        return cls.ready().filter(state__in=UNDER_WAY, changed_at__lt=long_ago)

    @classmethod
    def begin(cls, key: UUID, request: Context) -> Self | None:
        """Return the job, or None if it has ended or another task is working on it.

        A task that runs again after its worker died gets its job back. A single UPDATE checks and
        claims the job, so only one of two tasks gets it.
        """
        is_free = models.Q(state__in=(State.WAITING, State.RETRYING))
        is_its_own = models.Q(state=State.WORKING, task_id=request.id)
        # Not in the subquery: after waiting for a lock, a database rechecks only the row itself.
        jobs = cls._default_manager.filter(pk=key, pk__in=cls.ready().values("pk"))
        begun = jobs.filter(is_free | is_its_own)
        now = timezone.now()
        if begun.update(
            state=State.WORKING,
            error="",
            task_id=request.id,
            routing_key=(request.delivery_info or {}).get("routing_key", ""),
            worker=request.hostname,
            attempts=models.F("attempts") + 1,
            started_at=Coalesce("started_at", now),
            changed_at=now,
        ):
            return cls._default_manager.filter(pk=key).first()
        return None

    @classmethod
    def change(cls, keys: Iterable[UUID], state: State, error: str = "") -> int:
        """Change the state of those jobs that are under way, and return their number."""
        jobs = cls._default_manager.filter(pk__in=keys, state__in=UNDER_WAY)
        return jobs.update(state=state, error=error, changed_at=timezone.now())

    def finish(self, file: FieldFile, name: str, content: bytes) -> None:
        """Store the result, unless the job has ended meanwhile or belongs to another task."""
        with transaction.atomic():
            jobs = type(self)._default_manager.select_for_update()
            if jobs.filter(pk=self.pk, state__in=UNDER_WAY, task_id=self.task_id).exists():
                # A run that died before the commit left a file behind.
                file.storage.delete(file.field.generate_filename(self, name))
                self.state, self.error, self.changed_at = State.DONE, "", timezone.now()
                file.save(name, ContentFile(content))


def original_name(photograph: "Photograph", name: str) -> str:
    """Return a name that contains no text from a visitor."""
    return f"gallery/originals/{photograph.pk}"


class Photograph(Job):
    """A photograph and its thumbnail, which a task makes."""

    task = "make_thumbnail"
    album = models.ForeignKey(Album, models.CASCADE, related_name="photographs")
    name = models.CharField(max_length=200)
    file = models.FileField(upload_to=original_name)
    thumbnail = models.FileField(upload_to="gallery/thumbnails", editable=False)

    def __str__(self) -> str:
        return self.name

    def remove_original(self) -> None:
        """Delete the file of a photograph that is not in the database."""
        self.file.storage.delete(original_name(self, self.name))


class Sheet(Job):
    """A contact sheet: a PDF with the thumbnails of an album."""

    task = "make_sheet"
    album = models.ForeignKey(Album, models.CASCADE, related_name="sheets")
    file = models.FileField(upload_to="gallery/sheets", editable=False)
    pages = models.PositiveIntegerField(default=0, editable=False)
    pages_done = models.PositiveIntegerField(default=0, editable=False)

    def __str__(self) -> str:
        return f"Contact sheet of {self.album}"

    @classmethod
    def ready(cls) -> models.QuerySet[Self]:
        """Return the sheets of albums whose photographs are all done or failed."""
        return super().ready().exclude(album__photographs__state__in=UNDER_WAY)

    @classmethod
    def change(cls, keys: Iterable[UUID], state: State, error: str = "") -> int:
        """Change the sheets, and fail or cancel their e-mails with them."""
        with transaction.atomic():
            count = super().change(keys, state, error)
            if state in (State.FAILED, State.CANCELLED):
                emails = Email.objects.filter(sheet__in=keys, sheet__state=state)
                reason = "There is no contact sheet to send." if error else ""
                Email.change(emails.values_list("pk", flat=True), state, reason)
        return count


class Email(Job):
    """An e-mail with a contact sheet."""

    task = "send_email"
    sheet = models.OneToOneField(Sheet, models.CASCADE)
    address = models.EmailField()
    due_at = models.DateTimeField("send at (empty: immediately)", null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.sheet} to {self.address}"

    @classmethod
    def ready(cls) -> models.QuerySet[Self]:
        """Return the e-mails whose sheets are done."""
        return super().ready().filter(sheet__state=State.DONE)

    @classmethod
    def stalled(cls) -> models.QuerySet[Self]:
        """Return the stalled jobs, without e-mails that are not due yet."""
        return super().stalled().exclude(due_at__gt=timezone.now() - LONG_WAIT)

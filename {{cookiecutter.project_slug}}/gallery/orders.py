# {% import "brokers/" ~ cookiecutter.broker ~ ".jinja" as broker with context %}
# {% import "results/" ~ cookiecutter.result_backend ~ ".jinja" as result with context %}
"""Which tasks are sent when. `tasks.py` says what they do."""

from datetime import timedelta
from itertools import batched
from uuid import UUID

from celery import {{ "chord" if result.chords else "group" }}
from django.db import transaction
from django.utils import timezone

# {% if broker.broadcasts %}
from config import celery_app
# {% endif %}
from gallery.models import UNDER_WAY, Email, Photograph, Sheet, State
from gallery.tasks import make_sheet, make_thumbnail, make_thumbnails, send_email, stop_sheet

# What has waited longer than this may have lost its task.
LONG_WAIT = timedelta(minutes=10)


def photograph_uploaded(photograph: Photograph) -> None:
    """Now: but not before the photograph is in the database, and never if it does not get there."""
    make_thumbnail.delay_on_commit(photograph.pk)


def photographs_imported(keys: list[UUID]) -> None:
    """A heap at once: one task for all, which lets what visitors upload pass."""
    # {% if broker.priorities %}
    make_thumbnails.apply_async_on_commit((keys,), priority=9)
    # {% else %}
    make_thumbnails.apply_async_on_commit((keys,), queue="slow")
    # {% endif %}


def sheet_ordered(sheet: Sheet) -> None:
    """Thumbnails side by side, then the sheet, then the e-mail.

    # {% if result.chords %}
    A chord: its last task is sent when all others are done, those of this sheet and no others. Use
    one where tasks that run side by side have an end in common.
    # {% else %}
    Each thumbnail is followed by the sheet, in a chain: all but the last find photographs that are
    still under way, and leave it. So nobody has to count which are done.
    # {% endif %}
    """
    # {% if broker.topics %}
    # By topic, to each queue that takes it: that of what would hold the others up.
    slow = celery_app.amqp.queues["slow"]
    topic = slow.routing_key.replace("#", "sheets")
    then = make_sheet.si(sheet.pk).set(exchange=slow.exchange.name, routing_key=topic)
    # {% else %}
    # To the queue of what would hold the others up.
    then = make_sheet.si(sheet.pk).set(queue="slow")
    # {% endif %}
    if email := Email.objects.filter(sheet=sheet).first():
        # Later, where a time is set. For a wait of days, have a periodic task look for what is due.
        then |= send_email.si(email.pk).set(eta=email.due_at)
    waiting = sheet.album.photographs.filter(state__in=UNDER_WAY)
    thumbnails = [make_thumbnail.si(photograph.pk) for photograph in waiting]
    # {% if result.chords %}
    # Where a thumbnail fails, this is sent instead.
    then.on_error(stop_sheet.si(sheet.pk))
    workflow = chord(thumbnails, then) if thumbnails else then
    # {% else %}
    workflow = group(thumbnail | then for thumbnail in thumbnails) if thumbnails else then
    # Where a thumbnail fails, this is sent instead.
    workflow.on_error(stop_sheet.si(sheet.pk))
    # {% endif %}
    transaction.on_commit(workflow.delay)


def sheet_cancelled(sheet: Sheet) -> None:
    """Ends a sheet and its e-mail, whichever of them is still under way."""
    Email.change(Email.objects.filter(sheet=sheet).values_list("pk", flat=True), State.CANCELLED)
    # What runs finds this out between two pages; what waits, when it begins.
    # {% if broker.broadcasts %}
    if Sheet.change([sheet.pk], State.CANCELLED):
        sheet.refresh_from_db()
        # At once, as a time limit would; workers of this project ignore the usual signal.
        celery_app.control.revoke(sheet.task_id, terminate=True, signal="SIGUSR1")
    # {% else %}
    Sheet.change([sheet.pk], State.CANCELLED)
    # {% endif %}


def tasks_lost() -> None:
    """Sends again the tasks of what has waited for long.

    One that was only late runs twice then: the second time finds nothing to do.
    """
    long_ago = timezone.now() - LONG_WAIT
    late = {"state": State.WAITING, "created_at__lt": long_ago}
    photographs = Photograph.objects.filter(**late).values_list("pk", flat=True)
    for keys in batched(photographs, 100, strict=False):
        photographs_imported(list(keys))
    # Sheets of photographs that are still under way get their turn when these are through.
    sheets = Sheet.objects.filter(**late).exclude(album__photographs__state__in=UNDER_WAY)
    for sheet in sheets:
        sheet_ordered(sheet)
    emails = Email.objects.filter(**late, sheet__state=State.DONE).exclude(due_at__gt=long_ago)
    for email in emails:
        # The next round sends it again: workers drop those that then still wait.
        send_email.apply_async((email.pk,), expires=LONG_WAIT.total_seconds())

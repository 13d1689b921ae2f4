# {% import "brokers/" ~ cookiecutter.broker ~ ".jinja" as broker with context %}
# {% import "results/" ~ cookiecutter.result_backend ~ ".jinja" as result with context %}
"""Which tasks are sent when. `tasks.py` says what they do."""

from uuid import UUID

from celery import {{ "chord" if result.chords else "group" }}
from celery.canvas import Signature
# {% if "settings" in broker.topic %}
from django.conf import settings
# {% endif %}
from django.db import transaction

# {% if broker.broadcasts %}
from config import celery_app
# {% endif %}
from gallery.models import UNDER_WAY, Email, Photograph, Sheet, State
from gallery.tasks import make_sheet, make_thumbnail, make_thumbnails, send_email, stop_sheet


def photograph_uploaded(photograph: Photograph) -> None:
    """Now, after the commit: for all that reads what the transaction writes.

    The task is not sent before the photograph is in the database, and never if it does not get
    there. It goes to the default queue, from which one worker takes it.
    """
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
    A group, for what can run side by side. In it, each thumbnail is followed by the sheet: all but
    the last find photographs that are still under way, and leave it. So nobody has to count which
    are done.
    # {% endif %}
    """
    waiting = sheet.album.photographs.filter(state__in=UNDER_WAY)
    thumbnails = [make_thumbnail.si(photograph.pk) for photograph in waiting]
    then = sheet_and_email(sheet)
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


def sheet_and_email(sheet: Sheet) -> Signature:
    """A chain, for steps in a row: each task is sent when the one before it is done."""
    # {% if broker.topics %}
    # By topic, to each queue that takes it: here that of what would hold the others up. Use one
    # where others may want to hear of it, too, whom the sender need not know.
    steps = make_sheet.si(sheet.pk).set(
        {{ broker.topic | replace("reports", "sheets") | replace(", ", ",\n        ") }},
    )
    # {% else %}
    # To a queue by its name: that of what would hold the others up.
    steps = make_sheet.si(sheet.pk).set(queue="slow")
    # {% endif %}
    if email := Email.objects.filter(sheet=sheet).first():
        # Later, where a time is set. For a wait of days, have a periodic task look for what is due.
        steps |= send_email.si(email.pk).set(eta=email.due_at)
    return steps


def sheet_cancelled(sheet: Sheet) -> None:
    """Ends a sheet and its e-mail, whichever of them is still under way.

    For long work that nobody wants any more. What runs finds this out between two pages; what
    waits, when it begins.
    """
    Email.change(Email.objects.filter(sheet=sheet).values_list("pk", flat=True), State.CANCELLED)
    # {% if broker.broadcasts %}
    if Sheet.change([sheet.pk], State.CANCELLED):
        sheet.refresh_from_db()
        if task_id := sheet.task_id:
            # At once, as a time limit would; workers of this project ignore the usual signal. While
            # the broker is away, the sheet is cancelled all the same.
            transaction.on_commit(
                lambda: celery_app.control.revoke(task_id, terminate=True, signal="SIGUSR1"),
                robust=True,
            )
    # {% else %}
    Sheet.change([sheet.pk], State.CANCELLED)
    # {% endif %}

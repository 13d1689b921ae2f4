# {% from "project.jinja" import broker, result with context %}
"""Send the tasks that `tasks.py` defines, each in a different way."""

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


def enqueue_thumbnail(photograph: Photograph) -> None:
    """Send one task after the commit: the default for tasks that read what you have just saved.

    The task is sent when the photograph is in the database, and never after a rollback. It waits in
    the default queue, where one worker takes it.
    """
    make_thumbnail.delay_on_commit(photograph.pk)


def enqueue_import(keys: list[UUID]) -> None:
    """Send one task for many photographs. Visitors' uploads overtake it."""
    # {% if broker.priorities %}
    make_thumbnails.apply_async_on_commit((keys,), priority=9)
    # {% else %}
    make_thumbnails.apply_async_on_commit((keys,), queue="slow")
    # {% endif %}


def enqueue_sheet(sheet: Sheet) -> None:
    """Make the thumbnails in parallel, then the sheet, then send the e-mail.

    # {% if result.chords %}
    This is a chord: its last task is sent when all the others are done. Use one if tasks run in
    parallel and something must happen when all of them have finished.
    # {% else %}
    This is a group, for tasks that run in parallel. Here the sheet follows each thumbnail, and
    stops while other photographs are under way. So it is drawn after the last one.
    # {% endif %}
    """
    waiting = sheet.album.photographs.filter(state__in=UNDER_WAY)
    thumbnails = [make_thumbnail.si(photograph.pk) for photograph in waiting]
    then = sheet_and_email(sheet)
    # {% if result.chords %}
    # Sent instead if a thumbnail fails.
    then.on_error(stop_sheet.si(sheet.pk))
    workflow = chord(thumbnails, then) if thumbnails else then
    # {% else %}
    workflow = group(thumbnail | then for thumbnail in thumbnails) if thumbnails else then
    # Sent instead if a thumbnail fails.
    workflow.on_error(stop_sheet.si(sheet.pk))
    # {% endif %}
    transaction.on_commit(workflow.delay)


def sheet_and_email(sheet: Sheet) -> Signature:
    """Return a chain, for tasks in sequence: each is sent when the one before it is done."""
    # {% if broker.topics %}
    # Routed by topic, to every queue bound to it: here the one for slow tasks. Use a topic if other
    # queues may subscribe without a change of the sender.
    steps = make_sheet.si(sheet.pk).set(
        {{ broker.topic | replace("reports", "sheets") | replace(", ", ",\n        ") }},
    )
    # {% else %}
    # Routed by name, to the queue for slow tasks.
    steps = make_sheet.si(sheet.pk).set(queue="slow")
    # {% endif %}
    if email := Email.objects.filter(sheet=sheet).first():
        # An ETA suits short delays. For days, let a periodic task look for due rows: they are
        # easy to list, change and cancel.
        steps |= send_email.si(email.pk).set(eta=email.due_at)
    return steps


def cancel_sheet(sheet: Sheet) -> None:
    """Cancel a sheet and its e-mail, unless they are done.

    A waiting task checks for it when it starts, a running one between two pages.
    """
    Email.change(Email.objects.filter(sheet=sheet).values_list("pk", flat=True), State.CANCELLED)
    # {% if broker.broadcasts %}
    if Sheet.change([sheet.pk], State.CANCELLED):
        sheet.refresh_from_db()
        if task_id := sheet.task_id:
            # Stops the task immediately, as its soft time limit would; Celery's default signal has
            # no effect on these workers. While the broker is down, the sheet is cancelled anyway.
            transaction.on_commit(
                lambda: celery_app.control.revoke(task_id, terminate=True, signal="SIGUSR1"),
                robust=True,
            )
    # {% else %}
    Sheet.change([sheet.pk], State.CANCELLED)
    # {% endif %}

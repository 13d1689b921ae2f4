"""The page. It reads the state of tasks from the database, and waits for none of them."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.db import transaction
from django.db.models import Count, Prefetch, Q, QuerySet
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_GET, require_POST
from kombu.exceptions import OperationalError

from gallery import status, workflows
from gallery.forms import MAX_BODY, MAX_FILES, SheetForm, UploadForm
from gallery.models import UNDER_WAY, Album, Email, Job, Photograph, Sheet, State

View = Callable[[HttpRequest], HttpResponse]

ALBUMS_SHOWN, PHOTOGRAPHS_SHOWN, TASKS_SHOWN = 10, 24, 8


def refuse_large_bodies(view: View) -> View:
    """Refuse a request that is larger than any upload may be, before reading its body."""

    # The CSRF check reads the whole body, so it comes second.
    @csrf_exempt
    @wraps(view)
    def check(request: HttpRequest) -> HttpResponse:
        if int(request.META.get("CONTENT_LENGTH") or 0) > MAX_BODY:
            reason = f"The upload is too large: the limit is {MAX_BODY // 1024 // 1024} MB."
            return HttpResponse(reason, content_type="text/plain", status=413)
        return csrf_protect(view)(request)

    return check


@refuse_large_bodies
def home(request: HttpRequest) -> HttpResponse:
    """Accept uploads, and show the albums."""
    is_sent = request.method == "POST"
    form = UploadForm(request.POST, request.FILES) if is_sent else UploadForm()
    if form.is_valid():
        store(request, form.cleaned_data["photographs"])
        return redirect("gallery:home")
    context = {
        "form": form,
        "broker": status.BROKER,
        "results": status.RESULTS,
        "links": status.links(),
    }
    code = 400 if is_sent else 200
    return render(request, "gallery/home.html", context | albums_context(request), status=code)


def store(request: HttpRequest, files: list[Any]) -> None:
    """Store the uploaded files as a new album, and send their tasks."""
    with ExitStack() as undo, all_or_nothing(request):
        # After the commit, the files stay, even if no task can be sent.
        transaction.on_commit(undo.pop_all)
        album = Album.objects.create(title=title(files), visitor=visitor(request))
        for file in files:
            photograph = Photograph(album=album, name=file.name[:200], file=file)
            # A rollback does not delete files.
            undo.callback(photograph.remove_original)
            photograph.save()
            workflows.enqueue_thumbnail(photograph)


@require_GET
def albums(request: HttpRequest) -> HttpResponse:
    """Render the part of the page that changes while tasks run."""
    return render(request, "gallery/albums.html", albums_context(request))


@require_GET
def workers(request: HttpRequest) -> HttpResponse:
    """Return the number of workers. The page loads it separately, since workers answer slowly."""
    return HttpResponse(status.workers(), content_type="text/plain")


@require_POST
def order_sheet(request: HttpRequest, key: UUID) -> HttpResponse:
    album = get_object_or_404(visible_albums(request), pk=key)
    form = SheetForm(request.POST)
    if not form.is_valid():
        for problems in form.errors.get_json_data().values():
            messages.error(request, problems[0]["message"])
    elif album.photographs.filter(state__in=UNDER_WAY).count() > MAX_FILES:
        messages.error(request, "Wait until more of this album's thumbnails are ready.")
    else:
        with all_or_nothing(request):
            sheet = Sheet.objects.create(album=album)
            if address := form.cleaned_data["address"]:
                due_at = form.cleaned_data["due_at"]
                Email.objects.create(sheet=sheet, address=address, due_at=due_at)
            workflows.enqueue_sheet(sheet)
    return redirect("gallery:home")


@require_POST
def cancel_sheet(request: HttpRequest, key: UUID) -> HttpResponse:
    sheet = get_object_or_404(Sheet, pk=key, album__in=visible_albums(request))
    workflows.cancel_sheet(sheet)
    return redirect("gallery:home")


@require_POST
def remove_album(request: HttpRequest, key: UUID) -> HttpResponse:
    get_object_or_404(Album, pk=key, visitor=visitor(request)).delete()
    return redirect("gallery:home")


@require_GET
def thumbnail(request: HttpRequest, key: UUID) -> FileResponse:
    """Return a thumbnail. An uploaded file itself is never sent back to a browser."""
    photographs = Photograph.objects.filter(album__in=visible_albums(request), state=State.DONE)
    file = get_object_or_404(photographs, pk=key).thumbnail.open()
    headers = {"Cache-Control": "private, max-age=3600"}
    return FileResponse(file, content_type="image/jpeg", headers=headers)


@require_GET
def sheet(request: HttpRequest, key: UUID) -> FileResponse:
    sheets = Sheet.objects.filter(album__in=visible_albums(request), state=State.DONE)
    file = get_object_or_404(sheets, pk=key).file.open()
    return FileResponse(file, as_attachment=True, filename="contact-sheet.pdf")


@contextmanager
def all_or_nothing(request: HttpRequest) -> Iterator[None]:
    """Run a block in a transaction, whose tasks are sent after the commit or not at all.

    While the broker is down they cannot be sent, and `requeue_stalled` sends them later.
    """
    try:
        with transaction.atomic():
            yield
    except OperationalError:
        messages.warning(
            request, "The broker is unreachable. Your request is saved and will run later."
        )


def visitor(request: HttpRequest) -> str:
    """Return the visitor's random id, which their first upload creates."""
    name: str = request.session.setdefault("visitor", uuid4().hex)
    return name


def visible_albums(request: HttpRequest) -> QuerySet[Album]:
    """Return the albums that the visitor uploaded, and the imported ones."""
    return Album.objects.filter(visitor__in=["", request.session.get("visitor", "")])


def title(files: list[Any]) -> str:
    others = f" and {len(files) - 1} more" if len(files) > 1 else ""
    return f"{files[0].name[:150]}{others}"


def albums_context(request: HttpRequest) -> dict[str, Any]:
    """Return the newest albums, and whether any of their tasks is under way."""
    visible = visible_albums(request)
    jobs = (
        Photograph.objects.filter(album__in=visible),
        Sheet.objects.filter(album__in=visible),
        Email.objects.filter(sheet__album__in=visible),
    )
    # Before the albums are read: a job that ends meanwhile is shown by the next poll.
    is_waiting = any(kind.filter(state__in=UNDER_WAY).exists() for kind in jobs)
    albums = visible.annotate(
        count=Count("photographs"),
        done=Count("photographs", filter=Q(photographs__state=State.DONE)),
        under_way=Count("photographs", filter=Q(photographs__state__in=UNDER_WAY)),
        unreadable=Count("photographs", filter=Q(photographs__state=State.FAILED)),
    )
    photographs = Photograph.objects.all()[:PHOTOGRAPHS_SHOWN]
    shown: Any = albums.prefetch_related(
        Prefetch("photographs", photographs, to_attr="shown"), "sheets__email"
    )[:ALBUMS_SHOWN]
    for album in shown:
        album.jobs = newest_jobs(album)
    # The page repeats this form for each album, so its fields have no ids.
    order = SheetForm(auto_id=False)
    return {"albums": shown, "order": order, "is_waiting": is_waiting}


def newest_jobs(album: Any) -> list[Job]:
    """Return an album's newest jobs, those under way first."""
    sheets = album.sheets.all()
    emails = [sheet.email for sheet in sheets if hasattr(sheet, "email")]
    jobs = sorted([*album.shown, *sheets, *emails], key=lambda job: job.created_at, reverse=True)
    return sorted(jobs, key=lambda job: not job.is_under_way)[:TASKS_SHOWN]

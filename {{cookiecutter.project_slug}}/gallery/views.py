"""The page. It asks the database how tasks are doing, and waits for none of them."""

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

from gallery import about, orders
from gallery.forms import MAX_BODY, MAX_FILES, SheetForm, UploadForm
from gallery.models import UNDER_WAY, Album, Email, Photograph, Sheet, State

View = Callable[[HttpRequest], HttpResponse]

ALBUMS_SHOWN, PHOTOGRAPHS_SHOWN = 10, 24


def refuse_large_bodies(view: View) -> View:
    """Answers what is larger than any upload may be before a byte of it is read."""

    # Reading the token of a form reads all of it, so that check comes second.
    @csrf_exempt
    @wraps(view)
    def check(request: HttpRequest) -> HttpResponse:
        if int(request.META.get("CONTENT_LENGTH") or 0) > MAX_BODY:
            reason = f"This is too much at once: the limit is {MAX_BODY // 1024 // 1024} MB."
            return HttpResponse(reason, content_type="text/plain", status=413)
        return csrf_protect(view)(request)

    return check


@refuse_large_bodies
def home(request: HttpRequest) -> HttpResponse:
    """Takes photographs, and shows what became of those that were sent before."""
    is_sent = request.method == "POST"
    form = UploadForm(request.POST, request.FILES) if is_sent else UploadForm()
    if form.is_valid():
        store(request, form.cleaned_data["photographs"])
        return redirect("gallery:home")
    context = {
        "form": form,
        "broker": about.BROKER,
        "results": about.RESULTS,
        "links": about.links(),
    }
    status = 400 if is_sent else 200
    return render(request, "gallery/home.html", context | what_is_shown(request), status=status)


def store(request: HttpRequest, files: list[Any]) -> None:
    """Keeps what was uploaded, as a new album, and sends its tasks."""
    with ExitStack() as undo:
        with all_or_nothing(request):
            album = Album.objects.create(title=title(files), visitor=visitor(request))
            for file in files:
                photograph = Photograph(album=album, name=file.name[:200], file=file)
                # A database that takes back its rows leaves files where they are.
                undo.callback(photograph.remove_original)
                photograph.save()
                orders.photograph_uploaded(photograph)
        undo.pop_all()


@require_GET
def albums(request: HttpRequest) -> HttpResponse:
    """The part of the page that changes while tasks work."""
    return render(request, "gallery/albums.html", what_is_shown(request))


@require_GET
def workers(request: HttpRequest) -> HttpResponse:
    """What the workers say, which the page does not wait for."""
    return HttpResponse(about.workers(), content_type="text/plain")


@require_POST
def order_sheet(request: HttpRequest, key: UUID) -> HttpResponse:
    album = get_object_or_404(visible_albums(request), pk=key)
    form = SheetForm(request.POST)
    if not form.is_valid():
        for problems in form.errors.get_json_data().values():
            messages.error(request, problems[0]["message"])
    elif album.photographs.filter(state__in=UNDER_WAY).count() > MAX_FILES:
        messages.error(request, "Wait until more of its thumbnails are made.")
    else:
        with all_or_nothing(request):
            sheet = Sheet.objects.create(album=album)
            if address := form.cleaned_data["address"]:
                due_at = form.cleaned_data["due_at"]
                Email.objects.create(sheet=sheet, address=address, due_at=due_at)
            orders.sheet_ordered(sheet)
    return redirect("gallery:home")


@require_POST
def cancel_sheet(request: HttpRequest, key: UUID) -> HttpResponse:
    sheet = get_object_or_404(Sheet, pk=key, album__in=visible_albums(request))
    orders.sheet_cancelled(sheet)
    return redirect("gallery:home")


@require_POST
def remove_album(request: HttpRequest, key: UUID) -> HttpResponse:
    get_object_or_404(Album, pk=key, visitor=visitor(request)).delete()
    return redirect("gallery:home")


@require_GET
def thumbnail(request: HttpRequest, key: UUID) -> FileResponse:
    """A picture that a task made: what visitors upload is never sent back to a browser as it is."""
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
    """All of it is in the database, and only then are tasks sent; or nothing is, and none are.

    While the broker is away, they cannot be: `resend_lost_tasks` does it later.
    """
    try:
        with transaction.atomic():
            yield
    except OperationalError:
        messages.warning(request, "Workers cannot be told right now. It is saved, and done later.")


def visitor(request: HttpRequest) -> str:
    """A name for the one who sends this, made when they first upload something."""
    name: str = request.session.setdefault("visitor", uuid4().hex)
    return name


def visible_albums(request: HttpRequest) -> QuerySet[Album]:
    """Visitors see what they uploaded, and what was imported for all."""
    return Album.objects.filter(visitor__in=["", request.session.get("visitor", "")])


def title(files: list[Any]) -> str:
    others = f" and {len(files) - 1} more" if len(files) > 1 else ""
    return f"{files[0].name[:150]}{others}"


def what_is_shown(request: HttpRequest) -> dict[str, Any]:
    """The newest albums, and whether there is something to wait for."""
    photographs = Photograph.objects.all()[:PHOTOGRAPHS_SHOWN]
    albums = visible_albums(request).annotate(
        count=Count("photographs"),
        done=Count("photographs", filter=Q(photographs__state=State.DONE)),
        under_way=Count("photographs", filter=Q(photographs__state__in=UNDER_WAY)),
        unreadable=Count("photographs", filter=Q(photographs__state=State.FAILED)),
    )
    shown = albums.prefetch_related(
        Prefetch("photographs", photographs, to_attr="shown"), "sheets__email"
    )[:ALBUMS_SHOWN]
    jobs = (
        Photograph.objects.filter(album__in=visible_albums(request)),
        Sheet.objects.filter(album__in=visible_albums(request)),
        Email.objects.filter(sheet__album__in=visible_albums(request)),
    )
    is_waiting = any(of_a_kind.filter(state__in=UNDER_WAY).exists() for of_a_kind in jobs)
    # Many albums have it, so its fields have no ids.
    order = SheetForm(auto_id=False)
    return {"albums": shown, "order": order, "is_waiting": is_waiting}

"""A contact sheet waits for its photographs, shows its progress, and can be cancelled."""

import re
from collections.abc import Callable

import pytest
from django.test import Client

from gallery.models import Album, Sheet, State
from gallery.tasks import make_sheet, make_thumbnail
from tests.gallery.conftest import (
    HalfDrawn,
    MailServer,
    Occupied,
    SlowOriginal,
    Upload,
    order,
    picture,
    ready_album,
    wait_for_state,
)

pytestmark = [pytest.mark.usefixtures("worker"), pytest.mark.django_db(transaction=True)]


def pictures_in(pdf: bytes) -> int:
    return len(re.findall(rb"/Subtype /Image", pdf))


def test_a_sheet_has_all_photographs_of_its_album_on_pages(client: Client) -> None:
    sheet = order(client, ready_album(pages=3))
    wait_for_state(sheet, State.DONE)
    pdf = client.get(f"/sheets/{sheet.pk}.pdf").getvalue()
    assert pdf.startswith(b"%PDF")
    assert len(re.findall(rb"/Type /Page\b(?!s)", pdf)) == sheet.pages == 3


def test_a_sheet_waits_for_its_own_photographs_and_no_others(client: Client) -> None:
    album = ready_album(pages=1)
    late = SlowOriginal(album)
    other = Album.objects.create(title="never done")
    other.photographs.create(name="waiting")
    sheet = order(client, album)
    wait_for_state(late.photograph, State.WORKING)
    wait_for_state(sheet, State.WAITING)
    late.arrive()
    wait_for_state(sheet, State.DONE)
    assert sheet.pages == 2


def test_thumbnails_are_made_side_by_side_then_the_sheet_then_the_email(
    client: Client, mail: MailServer
) -> None:
    album = Album.objects.create(title="slow")
    first, second = SlowOriginal(album), SlowOriginal(album)
    sheet = order(client, album, address="ada@example.com")
    for slow in (first, second):
        wait_for_state(slow.photograph, State.WORKING)
    first.arrive()
    wait_for_state(first.photograph, State.DONE)
    # This sheet is ordered later, so any task that follows the first thumbnail is done before it.
    ready = order(client, ready_album(pages=1))
    wait_for_state(ready, State.DONE)
    wait_for_state(second.photograph, State.WORKING)
    wait_for_state(sheet, State.WAITING)
    second.arrive()
    wait_for_state(sheet.email, State.DONE)
    wait_for_state(sheet, State.DONE)
    assert pictures_in(sheet.file.read()) == 2
    assert len(mail.messages) == 1


def test_a_sheet_waits_for_a_thumbnail_that_another_task_makes(client: Client) -> None:
    slow = SlowOriginal(Album.objects.create(title="slow"))
    make_thumbnail.delay(slow.photograph.pk)
    wait_for_state(slow.photograph, State.WORKING)
    task_id = slow.photograph.task_id
    sheet = order(client, slow.photograph.album)
    # The other sheet's own task finds that another one is at work, and frees its process.
    wait_for_state(order(client, ready_album(pages=1)), State.DONE)
    slow.arrive()
    wait_for_state(sheet, State.DONE)
    wait_for_state(slow.photograph, State.DONE)
    assert (slow.photograph.task_id, slow.photograph.attempts) == (task_id, 1)


def test_a_sheet_leaves_out_what_cannot_be_read(client: Client, upload: Upload) -> None:
    sheet = order(client, upload(picture(), b"no picture"))
    wait_for_state(sheet, State.DONE)
    assert pictures_in(sheet.file.read()) == 1


def test_a_sheet_of_nothing_says_so(client: Client, upload: Upload) -> None:
    sheet = order(client, upload(b"no picture"), address="ada@example.com")
    wait_for_state(sheet, State.FAILED)
    wait_for_state(sheet.email, State.FAILED)
    page = client.get("/").content.decode()
    assert "None of its photographs can be read." in page
    assert "There is no contact sheet to send." in page
    assert "Cancel" not in page
    assert "every 1s" not in page


def test_a_sheet_without_thumbnails_does_not_wait_forever(client: Client) -> None:
    album = Album.objects.create(title="lost")
    # A folder in place of a file acts as broken storage.
    album.photographs.create(name="lost.jpg", file="gallery")
    sheet = order(client, album, address="ada@example.com")
    wait_for_state(sheet, State.FAILED)
    wait_for_state(sheet.email, State.FAILED)
    words = "A thumbnail for this sheet could not be made."
    assert words in client.get("/").content.decode()


def test_a_sheet_that_is_tried_again_is_drawn(client: Client) -> None:
    sheet = Sheet.objects.create(album=ready_album(pages=1), state=State.RETRYING, task_id="first")
    make_sheet.delay(sheet.pk)
    wait_for_state(sheet, State.DONE)


def test_a_sheet_is_drawn_by_one_task_only(client: Client) -> None:
    album = ready_album(pages=1)
    sheet = Sheet.objects.create(album=album, state=State.WORKING, task_id="another")
    make_sheet.delay(sheet.pk)
    wait_for_state(order(client, album), State.DONE)
    sheet.refresh_from_db()
    assert (sheet.state, sheet.task_id) == (State.WORKING, "another")


def test_the_page_shows_how_far_a_sheet_is(client: Client, half_drawn: HalfDrawn) -> None:
    page = client.get("/").content.decode()
    assert "1 of 2 pages" in page
    assert re.search(r'<progress[^>]* max="2" value="1"', page)
    half_drawn.go_on()
    wait_for_state(half_drawn.sheet, State.DONE)


def test_a_sheet_that_is_cancelled_is_not_finished(
    client: Client, half_drawn: HalfDrawn, occupy: Callable[[], Occupied]
) -> None:
    client.post(f"/sheets/{half_drawn.sheet.pk}/cancel/")
    assert "Contact sheet: cancelled." in client.get("/").content.decode()
    half_drawn.go_on()
    # Wait until the process that drew it has finished.
    occupy().free()
    half_drawn.sheet.refresh_from_db()
    assert (half_drawn.sheet.state, half_drawn.sheet.file.name) == (State.CANCELLED, "")

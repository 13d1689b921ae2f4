"""Visitors see their own albums, on a page that waits for no task."""

from html import unescape

import pytest
from django.template.defaultfilters import capfirst
from django.test import Client
from django.utils.html import strip_tags

from gallery import status
from gallery.models import Album, Sheet, State
from tests import wait_until
from tests.gallery.conftest import Upload, order, ready_album, wait_for_state

pytestmark = [pytest.mark.usefixtures("worker"), pytest.mark.django_db(transaction=True)]


def test_an_empty_page_says_what_to_do(client: Client) -> None:
    page = client.get("/").content.decode()
    assert "Nothing here yet. Upload some photographs" in page
    assert 'hx-trigger="every 1s"' not in page


def test_the_page_asks_again_only_while_something_is_under_way(
    client: Client, upload: Upload
) -> None:
    album = upload()
    wait_until(lambda: "every 1s" not in client.get("/").content.decode())
    album.photographs.update(state=State.WORKING)
    assert "every 1s" in client.get("/").content.decode()
    assert "every 1s" in client.get("/albums/").content.decode()


def test_the_page_shows_what_became_of_each_task(client: Client, upload: Upload) -> None:
    album = upload()
    wait_until(lambda: album.photographs.filter(state=State.DONE).exists(), "a thumbnail")
    page = client.get("/albums/").content.decode()
    row = page.partition("<tbody>")[2].partition("</tbody>")[0]
    cells = [cell.strip() for cell in strip_tags(row).split("\n") if cell.strip()]
    task, state, waited, ran, tries, routing_key, worker = cells
    assert (task, state, tries) == ("make_thumbnail 0.jpg", "done", "1")
    assert routing_key.endswith("default")
    assert worker == album.photographs.get().worker != ""
    assert waited.endswith(" s")
    assert ran.endswith(" s")


def test_visitors_see_neither_the_albums_nor_the_files_of_others(client: Client) -> None:
    album = ready_album(pages=1)
    photograph = album.photographs.latest("created_at")
    sheet = order(client, album)
    wait_for_state(sheet, State.DONE)
    addresses = (f"/photographs/{photograph.pk}.jpg", f"/sheets/{sheet.pk}.pdf")
    assert [client.get(address).status_code for address in addresses] == [200, 200]
    Album.objects.update(visitor="somebody else")
    assert [client.get(address).status_code for address in addresses] == [404, 404]
    assert "ready" not in client.get("/albums/").content.decode()


def test_files_are_sent_as_what_they_are_and_nothing_else(client: Client) -> None:
    album = ready_album(pages=1)
    photograph = album.photographs.latest("created_at")
    response = client.get(f"/photographs/{photograph.pk}.jpg")
    assert response["Content-Type"] == "image/jpeg"
    assert response["X-Content-Type-Options"] == "nosniff"
    sheet = order(client, album)
    wait_for_state(sheet, State.DONE)
    response = client.get(f"/sheets/{sheet.pk}.pdf")
    assert response["Content-Disposition"] == 'attachment; filename="contact-sheet.pdf"'


def test_the_page_says_what_it_runs_on_and_leads_to_the_admin(client: Client) -> None:
    page = unescape(client.get("/").content.decode())
    assert f"<dt>Broker:</dt> <dd>{status.BROKER}</dd>" in page
    assert f"<dt>Results:</dt> <dd>{capfirst(status.RESULTS)}</dd>" in page
    assert '<a href="/admin/">Admin</a>' in page


@pytest.mark.parametrize("address", ["/", "/albums/{}/sheet/", "/albums/{}/remove/"])
def test_forms_of_other_sites_change_nothing(address: str, upload: Upload) -> None:
    album = upload()
    stranger = Client(enforce_csrf_checks=True)
    assert stranger.post(address.format(album.pk)).status_code == 403
    assert Album.objects.get() == album


def test_a_sheet_is_not_cancelled_by_another_site(client: Client) -> None:
    sheet = Sheet.objects.create(album=ready_album(pages=1))
    stranger = Client(enforce_csrf_checks=True)
    assert stranger.post(f"/sheets/{sheet.pk}/cancel/").status_code == 403


def test_an_invalid_address_shows_an_error(client: Client) -> None:
    address = f"/albums/{ready_album(pages=1).pk}/sheet/"
    response = client.post(address, {"address": "ada"}, follow=True)
    assert "Enter a valid email address." in response.content.decode()

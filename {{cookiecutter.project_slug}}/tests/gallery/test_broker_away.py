"""While the broker is away, visitors lose nothing: it is done when the broker is back."""

import socket

import kombu.pools
import pytest
from django.test import Client

from config import celery_app
from gallery.models import Album, State
from gallery.tasks import resend_lost_tasks
from tests.gallery.conftest import MailServer, Upload, an_hour_passes, order, wait_for_state
from tests.test_wiring import broker_at

pytestmark = [pytest.mark.usefixtures("worker"), pytest.mark.django_db(transaction=True)]


@pytest.fixture
def no_broker(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Tasks are sent to where no broker is, until this is undone."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = broker_at(closed)
    options = {"max_retries": 1, "interval_start": 0}
    nowhere = celery_app.connection_for_write(url, transport_options=options)
    monkeypatch.setattr(celery_app.amqp, "_producer_pool", kombu.pools.producers[nowhere])
    monkeypatch.setitem(celery_app.conf.task_publish_retry_policy, "max_retries", 1)
    return monkeypatch


def test_what_visitors_ask_for_is_done_later(
    client: Client, upload: Upload, mail: MailServer, no_broker: pytest.MonkeyPatch
) -> None:
    album = upload()
    assert "It is saved, and done later." in client.get("/").content.decode()
    sheet = order(client, album, address="ada@example.com")
    assert "It is saved, and done later." in client.get("/").content.decode()
    no_broker.undo()
    an_hour_passes()
    resend_lost_tasks.delay()
    wait_for_state(album.photographs.get(), State.DONE)
    resend_lost_tasks.delay()
    wait_for_state(sheet.email, State.DONE)
    assert len(mail.messages) == 1


@pytest.mark.usefixtures("no_broker")
def test_an_album_is_removed(client: Client, upload: Upload) -> None:
    album = upload()
    assert client.post(f"/albums/{album.pk}/remove/").status_code == 302
    assert not Album.objects.exists()

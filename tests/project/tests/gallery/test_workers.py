"""The page shows the number of workers without waiting for them."""

import pytest
from django.core.cache import cache
from django.test import Client

from gallery import status
from tests import Process, wait_until

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def ask_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status, "MAX_AGE", 0)
    cache.delete("gallery-workers")


def test_the_page_loads_the_number_afterwards(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []
    monkeypatch.setattr(status, "ask", lambda: asked.append(True))
    assert 'hx-get="/workers/" hx-trigger="load, every 10s"' in client.get("/").content.decode()
    assert asked == []


def test_the_page_shows_how_many_workers_are_listening(client: Client, worker: Process) -> None:
    wait_until(lambda: client.get("/workers/").content == b"1 worker is listening.")


@pytest.mark.usefixtures("no_broker")
def test_the_page_remembers_that_the_broker_is_down(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status, "MAX_AGE", 60)
    words = f"{status.BROKER} does not answer: tasks cannot be sent."
    assert client.get("/workers/").content.decode() == words
    monkeypatch.setattr(status, "ask", lambda: "somebody asked")
    assert client.get("/workers/").content.decode() == words
    cache.delete("gallery-workers")

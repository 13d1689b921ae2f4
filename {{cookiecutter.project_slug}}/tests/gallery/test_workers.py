"""The page says how many workers are listening."""

import pytest
from django.core.cache import cache
from django.test import Client

from gallery import about
from tests.conftest import Process, wait_until

pytestmark = pytest.mark.django_db


def test_the_page_says_how_many_workers_are_listening(
    client: Client, monkeypatch: pytest.MonkeyPatch, worker: Process
) -> None:
    monkeypatch.setattr(about, "AGE", 0)
    wait_until(lambda: client.get("/workers/").content == b"1 worker is listening.")


def test_the_page_says_when_none_is(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(about, "ping", lambda: 0)
    cache.delete("gallery-workers")
    assert b"No worker is listening." in client.get("/").content
    cache.delete("gallery-workers")

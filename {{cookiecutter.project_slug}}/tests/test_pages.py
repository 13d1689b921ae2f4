"""A visitor sees what a worker did."""

import pytest
from django.test import Client

from tests.conftest import wait_until

pytestmark = [pytest.mark.usefixtures("worker"), pytest.mark.django_db(transaction=True)]


def test_the_page_shows_what_the_worker_counted(client: Client) -> None:
    client.post("/", {"text": "one two three"})
    wait_until(lambda: "3 words" in client.get("/").content.decode())


def test_an_empty_text_is_refused(client: Client) -> None:
    page = client.post("/", {"text": ""}).content.decode()
    assert "This field is required." in page

"""The page on a broker that cannot count its workers."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from gallery import status
from gallery.models import Album, Photograph

pytestmark = pytest.mark.django_db


def test_the_page_says_that_workers_cannot_be_counted(client: Client) -> None:
    Album.objects.create(title="new").photographs.create(name="new.jpg")
    words = f"{status.BROKER} does not report how many workers are listening."
    assert client.get("/workers/").content.decode() == words


def test_the_page_asks_for_a_worker_after_a_while(client: Client) -> None:
    Album.objects.create(title="late").photographs.create(name="late.jpg")
    Photograph.objects.update(created_at=timezone.now() - timedelta(minutes=1))
    assert b"Is a worker running? make worker" in client.get("/workers/").content

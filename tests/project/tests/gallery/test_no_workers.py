"""The page shows that no worker is listening."""

import pytest
from django.core.cache import cache
from django.test import Client

from tests import Process
from tests.workers import restart

pytestmark = pytest.mark.django_db


def test_no_worker_is_listening(client: Client, worker: Process) -> None:
    worker.stop()
    cache.delete("gallery-workers")
    try:
        assert client.get("/workers/").content == b"No worker is listening. Start one: make worker"
    finally:
        restart(worker)
        cache.delete("gallery-workers")

"""A countdown before the first worker has declared the delayed queues."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from celery import Celery

from config.env import BASE_DIR
from tests import WORKER, Notes, Process

SEND = """
import sys
import config, django
django.setup()
from tests.tasks import record
record.apply_async(("early", sys.argv[1]), countdown=1)
"""


@pytest.fixture
def prefix(celery: Celery) -> Iterator[str]:
    """Return an unused prefix for queues. They are deleted at the end."""
    prefix = f"early_{uuid4().hex[:8]}"
    yield prefix
    with celery.connection_for_write() as connection:
        channel: Any = connection.default_channel
        for queue in ("default", "slow"):
            channel.queue_delete(f"{prefix}_test.{queue}")
        channel.exchange_delete(f"{prefix}_test.tasks")


def test_a_countdown_before_the_first_worker(prefix: str, tmp_path: Path, notes: Notes) -> None:
    variables = {"QUEUE_PREFIX": prefix, "DJANGO_SETTINGS_MODULE": "config.settings.test"}
    subprocess.run(
        [sys.executable, "-c", SEND, notes.path],
        cwd=BASE_DIR,
        env=os.environ | variables,
        check=True,
    )
    worker = Process(tmp_path / "log", *WORKER, QUEUE_PREFIX=prefix)
    try:
        assert notes.wait() == ["early"]
    finally:
        worker.stop()

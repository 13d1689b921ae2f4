"""`manage.py doctor` reports queues without a worker."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import SECONDS, WORKER, Process
from tests.doctor import report_once

pytestmark = [pytest.mark.usefixtures("celery"), pytest.mark.django_db(transaction=True)]


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Return variables for queues without a worker. They are purged at the end."""
    variables = {"QUEUE_PREFIX": "elsewhere"}
    yield variables
    Process(tmp_path / "purge.log", "purge", "--force", **variables).process.wait(SECONDS)


def test_a_queue_without_a_worker_is_reported(elsewhere: dict[str, str], tmp_path: Path) -> None:
    worker = Process(tmp_path / "log", *WORKER, "--queues", "default", **elsewhere)
    try:
        worker.wait_for_line("ready.")
        one_queue = report_once(
            lambda report: "no task from slow ran within" in report.text, seconds=2, **elsewhere
        )
    finally:
        worker.stop()
    assert "Start a worker that reads it: celery -A config worker -Q slow" in one_queue.text

    no_worker = report_once(
        lambda report: "no task from default and slow ran within" in report.text,
        seconds=1,
        **elsewhere,
    )
    assert "Start a worker: make worker" in no_worker.text

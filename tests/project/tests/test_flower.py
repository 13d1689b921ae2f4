"""Flower needs a password, and exports metrics."""

import re
import socket
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pytest
from celery import Celery

from config import celery_app
from config.env import BASE_DIR, env
from tests import SECONDS, Notes, Process, wait_until
from tests.tasks import fail, fail_twice

PROCFILE = BASE_DIR / "Procfile.dev"
# From `.env`, which Flower reads itself.
LOGIN = env("FLOWER_BASIC_AUTH")


@pytest.fixture(scope="module")
def flower(celery: Celery, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run Flower, and return its address."""
    log = tmp_path_factory.mktemp("flower") / "flower.log"
    (command,) = re.findall("^flower: celery -A config (.+)", PROCFILE.read_text(), re.MULTILINE)
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("FLOWER_BASIC_AUTH")
        process = Process(log, *command.split(), FLOWER_PORT="0")
    try:
        process.wait_for_line("Registered tasks")
        yield re.findall("Visit me at (http://[0-9.:]+)", log.read_text())[0]
    finally:
        process.stop()


def status(url: str, login: str = "") -> int:
    """Return Flower's status code for a login."""
    headers = {"Authorization": f"Basic {b64encode(login.encode()).decode()}"} if login else {}
    try:
        with urlopen(Request(url, headers=headers), timeout=SECONDS) as response:  # noqa: S310
            return int(response.status)
    except HTTPError as error:
        return error.code


def test_in_development_flower_listens_on_localhost_only(flower: str) -> None:
    # Another local address stands in for the machine's public one.
    with pytest.raises(OSError, match=r"refused|assign"):
        socket.create_connection(("127.0.0.2", urlsplit(flower).port or 0), timeout=SECONDS)


@pytest.mark.parametrize("path", ["/", "/tasks", "/broker", "/api/workers", "/api/tasks"])
def test_nothing_is_shown_without_the_password(flower: str, path: str) -> None:
    assert status(flower + path) == 401
    assert status(flower + path, "somebody:else") == 401
    assert status(flower + path, LOGIN) == 200


@pytest.mark.django_db(transaction=True)
def test_all_metrics_of_the_dashboard_and_the_alerts_are_exported(
    flower: str, worker: Process, notes: Notes
) -> None:
    texts = [
        file.read_text().replace("\\", "") for file in (BASE_DIR / "deploy/monitoring").iterdir()
    ]
    pattern = r'\b(?:celery|flower)_\w+|type="[\w-]+"'
    asked = {words for text in texts for words in re.findall(pattern, text)}
    # The bucket that the alert on run times uses.
    asked.add('le="240.0"')
    # Registers the heartbeat's task, among others.
    celery_app.loader.import_default_modules()
    # Workers send events only after Flower has enabled them.
    worker.wait_for_line("Events of group {task} enabled")
    assert asked >= {"celery_queue_length", "flower_worker_online", 'type="task-retried"'}

    def missing() -> set[str]:
        with urlopen(f"{flower}/metrics", timeout=SECONDS) as response:  # noqa: S310
            told = re.sub("^#.*", "", response.read().decode(), flags=re.MULTILINE)
        return {words for words in asked if words not in told}

    def send_and_see() -> bool:
        # Send them again if none arrived: Flower may have restarted.
        if len(notes.lines) % 4 == 0:
            fail.delay(notes.path)
            fail_twice.delay(notes.path)
            if "task_queue.doctor.tick" in celery_app.tasks:
                celery_app.send_task("task_queue.doctor.tick")
        return not missing()

    wait_until(send_and_see, what=f"all of {asked}")


@pytest.mark.parametrize("login", ["", "admin:", "admin:password,admin"])
def test_flower_does_not_start_without_a_password(login: str, tmp_path: Path) -> None:
    process = Process(tmp_path / "flower.log", "flower", FLOWER_BASIC_AUTH=login, FLOWER_PORT="0")
    try:
        wait_until(lambda: process.ended, what="Flower to end")
    finally:
        process.stop()
    assert process.log.read_text().startswith(
        "ERROR: FLOWER_BASIC_AUTH is missing, or not name:password (example: admin:RANDOM)."
    )
    assert process.log.read_text().count("\n") == 1

"""Health probes for load balancers and monitors."""

import os
import re
import select
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest
from django.db import connections
from django.test import Client, override_settings
from django.utils import timezone

from config import celery_app
from config.env import BASE_DIR
from task_queue import health
from task_queue.models import Heartbeat
from tests import SECONDS, Process, wait_until
from tests.workers import broker_at

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def serve(log: Path, **variables: str) -> Iterator[str]:
    """Run a web server with these variables, and yield its address."""
    (command,) = re.findall("^web: (.+)", (BASE_DIR / "Procfile").read_text(), re.MULTILINE)
    Process.logs.add(log)
    with log.open("wb") as output:
        server = subprocess.Popen(
            [sys.executable, "-m", *command.split(), "--bind", "127.0.0.1:0"],
            cwd=BASE_DIR,
            env=os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings.test"} | variables,
            stderr=output,
        )
    try:
        wait_until(lambda: "Listening at: " in log.read_text(), what="a web server")
        # It logs each failed probe. That must not count as progress.
        Process.logs.remove(log)
        yield log.read_text().partition("Listening at: http://")[2].split()[0]
    finally:
        server.kill()
        server.wait()


def get(server: str, path: str) -> tuple[int, str]:
    """Return status and text of a page."""
    connection = HTTPConnection(server, timeout=SECONDS)
    connection.request("GET", path)
    response = connection.getresponse()
    return response.status, response.read().decode()


@override_settings(ALLOWED_HOSTS=["example.com"], SECURE_SSL_REDIRECT=True)
def test_health_accepts_any_host_and_plain_http(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "SECONDS", SECONDS)
    assert client.get("/health/", headers={"host": "10.0.0.5:8000"}).status_code == 200
    # Other pages are protected, whatever their address.
    for page in ("/admin/", "/health/other/"):
        assert client.get(page, headers={"host": "10.0.0.5:8000"}).status_code == 400


def test_health_is_503_without_the_database(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(connections.settings["default"], "NAME", "nowhere/at_all")
    accept = "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2"
    for page in ("/health/", "/health/?format=rss"):
        response = client.get(page, headers={"accept": accept})
        assert response.status_code == 503
        assert response.text == "unhealthy\n"


@pytest.mark.usefixtures("worker")
def test_task_health_is_503_without_a_worker(tmp_path: Path) -> None:
    # Without remote control, the probe asks for a queue instead of counting workers.
    counts = celery_app.conf.worker_enable_remote_control
    variables, status = ({"QUEUE_PREFIX": "elsewhere"}, 503) if counts else ({}, 200)
    Heartbeat.objects.create(name="beat", at=timezone.now())
    with serve(tmp_path / "log", **variables) as server:
        # A slow machine may miss the deadline of a probe.
        wait_until(lambda: get(server, "/health/tasks/")[0] == status, f"the status {status}")


def test_a_silent_broker_delays_neither_visitors_nor_probes(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = broker_at(silent)
        with serve(tmp_path / "log", CELERY_BROKER_URL=url) as server:

            def answers_beside_the_other() -> bool:
                """Return whether one probe was answered while the other was still waiting."""
                waits = HTTPConnection(server, timeout=SECONDS)
                waits.request("GET", "/health/tasks/")
                healthy = get(server, "/health/")[0] == 200
                still_waits = select.select([waits.sock], [], [], 0)[0] == []
                response = waits.getresponse()
                assert response.status == 503
                assert "sesame" not in response.read().decode()
                return healthy and still_waits

            # On a slow machine, the second probe may finish first, or miss its deadline.
            wait_until(answers_beside_the_other, "an answer beside another")

"""Workers that are restarted, or run beside the usual one, and another broker."""

import socket
from collections.abc import Callable
from urllib.parse import urlsplit

from config import celery_app
from tests.fixtures import Process, is_idle, wait_until

StartWorker = Callable[..., Process]


def restart(worker: Process, **env: str) -> None:
    """Start a worker again, with these variables, too. Returns once it is ready."""
    if not (worker.ended or celery_app.conf.worker_enable_remote_control):
        # What such a broker hands to a worker that stops, it may keep from others for a while.
        wait_until(is_idle, "the worker to be idle")
    worker.stop()
    worker.environment |= env
    count = worker.log.read_text().count("ready.")
    worker.start()
    wait_until(lambda: worker.log.read_text().count("ready.") > count, "the worker")


def broker_at(server: socket.socket) -> str:
    """Return the broker's URL, with another server in place of the broker, and a password."""
    host, port = server.getsockname()
    url = urlsplit(str(celery_app.conf.broker_url))
    return url._replace(netloc=f"somebody:sesame@{host}:{port}").geturl()

"""Helpers for restarting workers, and for other brokers."""

import socket
from collections.abc import Callable
from urllib.parse import urlsplit

from config import celery_app
from tests import NAME, Process, is_idle, wait_until

StartWorker = Callable[..., Process]


def restart(worker: Process, **env: str) -> None:
    """Restart a worker with additional variables, and wait until it is ready."""
    if not (worker.ended or celery_app.conf.worker_enable_remote_control):
        # The broker may hold back tasks of a stopping worker for a while.
        wait_until(is_idle, "the worker to be idle")
    worker.stop()
    worker.environment |= env
    count = worker.log.read_text().count("ready.")
    worker.start()
    wait_until(lambda: worker.log.read_text().count("ready.") > count, "the worker")
    if celery_app.conf.worker_enable_remote_control:
        # For a moment, it may miss what is sent to all workers.
        wait_until(lambda: bool(celery_app.control.ping([NAME], timeout=1)), "the worker to answer")


def broker_at(server: socket.socket) -> str:
    """Return the broker's URL with the address of another server and a password."""
    host, port = server.getsockname()
    url = urlsplit(str(celery_app.conf.broker_url))
    return url._replace(netloc=f"somebody:sesame@{host}:{port}").geturl()

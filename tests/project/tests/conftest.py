"""Fixtures for additional workers and an unreachable broker."""

import socket
from collections.abc import Iterator
from pathlib import Path

import kombu.pools
import pytest
from celery import Celery

import tests
from config import celery_app
from tests import WORKER, Process, is_idle, wait_until
from tests.workers import StartWorker, broker_at

# Here, several test runs may share a machine. Set this before other modules import it.
tests.SECONDS = 240


@pytest.fixture
def start_worker(celery: Celery, tmp_path: Path) -> Iterator[StartWorker]:
    """Return a function that starts a worker with this name and these options."""
    processes = []

    def start(name: str, *options: str, **env: str) -> Process:
        options = ("--concurrency", "1", "--hostname", f"{name}@%h", *options)
        process = Process(tmp_path / f"{name}.log", *WORKER, *options, **env)
        processes.append(process)
        process.wait_for_line("ready.")
        return process

    yield start
    if processes and not celery.conf.worker_enable_remote_control:
        # The broker may hold back tasks of a stopping worker for a while.
        wait_until(is_idle, "all workers to be idle")
    for process in processes:
        process.stop()


@pytest.fixture
def no_broker() -> Iterator[pytest.MonkeyPatch]:
    """Make the broker unreachable until the patch is undone."""
    options = {"max_retries": 1, "interval_start": 0}
    # Nothing listens at the port, and no one else gets it.
    with socket.socket() as closed, pytest.MonkeyPatch.context() as patch:
        closed.bind(("127.0.0.1", 0))
        nowhere = celery_app.connection_for_write(broker_at(closed), transport_options=options)
        patch.setattr(celery_app, "connection_for_write", nowhere.clone)
        patch.setattr(celery_app, "_pool", kombu.pools.connections[nowhere])
        patch.setattr(celery_app.amqp, "_producer_pool", kombu.pools.producers[nowhere])
        patch.setitem(celery_app.conf.task_publish_retry_policy, "max_retries", 1)
        yield patch

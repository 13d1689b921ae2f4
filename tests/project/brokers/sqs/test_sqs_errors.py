"""While SQS answers with errors that pass, no task is lost, and no worker ends."""

import json
import threading
from collections.abc import Iterator
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import pytest
from celery import Celery
from kombu.exceptions import OperationalError

from tests import Notes, Process, is_idle, wait_until
from tests.machinery_tasks import fail_once_more
from tests.tasks import record
from tests.workers import restart

# Codes of errors that pass, and their HTTP statuses. Without one, the connection is closed.
ERRORS = {
    "no answer": 0,
    "ServiceUnavailable": 503,
    "ThrottlingException": 400,
    "ExpiredToken": 403,
}


class Faulty(ThreadingHTTPServer):
    """A server that passes requests on to SQS, and answers some operations with an error."""

    daemon_threads = True

    def __init__(self, broker: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.broker = urlsplit(broker)
        self.url = f"sqs://test:test@127.0.0.1:{self.server_port}"
        # Codes of errors by operation, and the operations that got one.
        self.errors: dict[str, str] = {}
        self.refused: list[str] = []
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(BaseHTTPRequestHandler):
    server: Faulty
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        operation = self.headers["X-Amz-Target"].rpartition(".")[2]
        if code := self.server.errors.get(operation):
            status = ERRORS[code]
            answer = json.dumps(
                {"__type": f"com.amazonaws.sqs#{code}", "message": "later"}
            ).encode()
            self.server.refused.append(operation)
            if not status:
                self.close_connection = True
                return
        else:
            broker = HTTPConnection(str(self.server.broker.hostname), self.server.broker.port or 80)
            broker.request("POST", self.path, body, dict(self.headers))
            response = broker.getresponse()
            status, answer = response.status, response.read()
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *args: object) -> None:
        """Suppress the log."""


@pytest.fixture(scope="module")
def server(celery: Celery) -> Iterator[Faulty]:
    server = Faulty(str(celery.conf.broker_url))
    yield server
    server.shutdown()


@pytest.fixture(scope="module")
def faulty_worker(worker: Process, server: Faulty, celery: Celery) -> Iterator[Process]:
    """Run the worker on the faulty server, with shorter leases."""
    restart(worker, CELERY_BROKER_URL=server.url, TASK_LEASE="24")
    yield worker
    restart(worker, CELERY_BROKER_URL=str(celery.conf.broker_url), TASK_LEASE="60")


@pytest.fixture
def faulty(server: Faulty) -> Iterator[Faulty]:
    yield server
    server.errors.clear()
    server.refused.clear()


@pytest.mark.parametrize("code", ERRORS)
@pytest.mark.parametrize("operation", ["ReceiveMessage", "DeleteMessage"])
def test_a_worker_goes_on(
    operation: str, code: str, faulty: Faulty, faulty_worker: Process, notes: Notes
) -> None:
    faulty.errors[operation] = code
    record.delay("during the error", notes.path)
    wait_until(lambda: bool(faulty.refused), "an error")
    faulty.errors.clear()
    record.delay("after it", notes.path)
    wait_until(lambda: {"during the error", "after it"} <= {*notes.lines}, "both tasks")
    wait_until(is_idle, "the acknowledgement")
    assert sorted(notes.lines) == ["after it", "during the error"]
    assert not faulty_worker.ended


@pytest.mark.parametrize("code", ERRORS)
def test_a_retry_is_not_lost(
    code: str, faulty: Faulty, faulty_worker: Process, notes: Notes
) -> None:
    faulty.errors["SendMessage"] = code
    fail_once_more.delay(notes.path, 0)
    wait_until(lambda: bool(faulty.refused), "an error")
    faulty.errors.clear()
    notes.wait(2)
    assert not faulty_worker.ended


@pytest.mark.parametrize("code", ERRORS)
def test_sending_is_retried(code: str, faulty: Faulty, celery: Celery, notes: Notes) -> None:
    options: dict[str, Any] = {"retry_policy": {"max_retries": 1, "interval_start": 0.1}}
    with celery.connection_for_write(faulty.url) as options["connection"]:
        faulty.errors["SendMessage"] = code
        with pytest.raises(OperationalError):
            record.apply_async(("never", notes.path), **options)
        assert len(faulty.refused) >= 2

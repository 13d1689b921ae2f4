# {% from "project.jinja" import scheduler with context %}
"""Pages for load balancers and monitors, and the answer to visitors while the broker is down."""

import logging
from collections.abc import Callable
from concurrent.futures import Future, wait
from pathlib import Path
from threading import Thread
from typing import Any

from django.db import connection, connections
from django.http import HttpRequest, HttpResponse
from django.utils.deprecation import MiddlewareMixin
from kombu.exceptions import OperationalError

from config import celery_app
from config.env import env

logger = logging.getLogger(__name__)

# How long each check may take.
SECONDS = 2


def respond(check: Callable[[], None]) -> HttpResponse:
    """Run a check within its deadline. The page is public, so only the log has the reason."""
    try:
        within(SECONDS, check)
    except Exception as error:
        logger.error("%s failed: %s", check.__name__, str(error) or type(error).__name__)
        return HttpResponse("unhealthy\n", content_type="text/plain", status=503)
    return HttpResponse("ok\n", content_type="text/plain")


def check_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def check_workers() -> None:
    """Raise an error unless the broker answers and, with remote control, a worker does."""
# {% if scheduler.beat %}
    # Imported here, because `doctor.py` imports this module.
    from task_queue.doctor import beat

    # Workers have run beat's last tick.
    beat(SECONDS)
# {% endif %}
    with celery_app.connection_for_write() as broker:
        # A single try: a monitor will ask again.
        broker.ensure_connection(max_retries=0)
        if not celery_app.conf.worker_enable_remote_control:
            # Connecting to such a broker is not always a request to it.
            channel: Any = broker.default_channel
            channel.queue_declare(celery_app.amqp.default_queue.name, passive=True)
        elif not celery_app.control.ping(timeout=1, limit=1, connection=broker):
            raise TimeoutError("no worker answers")


def within[T](seconds: float, function: Callable[[], T]) -> T:
    """Return what a function returns, or raise TimeoutError if it takes longer."""
    # Its thread is then abandoned: not every library stops waiting for a server.
    answer: Future[T] = Future()

    def run() -> None:
        try:
            answer.set_result(function())
        except Exception as error:
            answer.set_exception(error)
        finally:
            connections.close_all()

    Thread(target=run, daemon=True).start()
    if wait([answer], seconds).not_done:
        raise TimeoutError(f"no answer within {seconds:g} s")
    return answer.result()


class HealthMiddleware(MiddlewareMixin):
    """Serve the health pages first: other middleware refuses plain HTTP and a bare IP address."""

    def process_request(self, request: HttpRequest) -> HttpResponse | None:
        pages = {"/health/": check_database, "/health/tasks/": check_workers}
        check = pages.get(request.path_info)
        return respond(check) if check else None


class BrokerUnavailableMiddleware(MiddlewareMixin):
    """Answer 503 when a task could not be sent. Celery has retried for a while by then."""

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, OperationalError):
            return None
        logger.error("A task could not be sent: %s", error)
        text = "This cannot be done right now. Please try again in a minute."
        return HttpResponse(text, "text/plain", status=503, headers={"Retry-After": "60"})


def touch_alive_file(**kwargs: Any) -> None:
    """Touch the file ALIVE_FILE. Its age shows a supervisor that this process is alive."""
    if file := env.str("ALIVE_FILE", default=""):
        Path(file).touch()

"""What load balancers and monitors ask."""

from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.http import HttpResponse
from health_check import checks
from health_check.base import HealthCheck
from health_check.exceptions import HealthCheckException, ServiceUnavailable
from health_check.views import HealthCheckView
from kombu import Connection

from config import celery_app

# Anybody may ask: the log has the reasons, with names of hosts and users; the answer has none.


class Database(checks.Database):
    timeout = timedelta(seconds=2)

    def run(self) -> None:
        try:
            super().run()
        except HealthCheckException as error:
            raise ServiceUnavailable("no connection") from error


@dataclass
class Broker(HealthCheck):
    timeout = timedelta(seconds=2)

    def run(self) -> None:
        with connect():
            pass


@dataclass
class Workers(HealthCheck):
    """One worker that answers is enough."""

    timeout = timedelta(seconds=2)

    def run(self) -> None:
        with connect() as broker:
            if not celery_app.control.ping(timeout=1, limit=1, connection=broker):
                raise ServiceUnavailable("none answers")


@contextmanager
def connect() -> Iterator[Connection]:
    """A connection to the broker, tried once: whoever asks will ask again."""
    with celery_app.connection_for_write() as broker:
        try:
            broker.ensure_connection(max_retries=0)
        except Exception as error:
            raise ServiceUnavailable("no connection") from error
        yield broker


class HealthView(HealthCheckView):
    """Tells whether checks pass, as plain text and by the status, 200 or 503."""

    async def get(self, *args: Any, **kwargs: Any) -> HttpResponse:
        response: HttpResponse = await super().get(*args, **kwargs)
        # It works, but has nothing good to tell: that is no error of its own.
        if response.status_code == 500:
            response.status_code = 503
        return response

    @contextmanager
    def get_executor(self) -> Iterator[Executor]:
        """Where checks run. One that a silent server holds up is not waited for."""
        executor = ThreadPoolExecutor()
        yield executor
        executor.shutdown(wait=False)

    def render_to_response(self, context: dict[str, Any], **response: Any) -> HttpResponse:
        text: HttpResponse = self.render_to_response_text(response["status"])
        return text

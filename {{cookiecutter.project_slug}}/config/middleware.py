"""What a visitor sees when something that the site needs is away."""

import logging

from django.http import HttpRequest, HttpResponse
from django.utils.deprecation import MiddlewareMixin
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)


class BrokerAwayMiddleware(MiddlewareMixin):
    """Answers 503 where a task could not be sent, which Celery has tried for a while."""

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, OperationalError):
            return None
        logger.error("A task could not be sent: %s", error)
        return HttpResponse(
            "This cannot be done right now. Please try again in a minute.",
            content_type="text/plain",
            status=503,
            headers={"Retry-After": "60"},
        )

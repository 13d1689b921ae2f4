"""What a visitor sees when something that the site needs is away."""

from django.http import HttpRequest, HttpResponse
from django.utils.deprecation import MiddlewareMixin
from kombu.exceptions import OperationalError


class BrokerAwayMiddleware(MiddlewareMixin):
    """Answers 503 where a task could not be sent, which Celery has tried for seven seconds."""

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, OperationalError):
            return None
        return HttpResponse(
            "This cannot be done right now. Please try again in a minute.",
            content_type="text/plain",
            status=503,
            headers={"Retry-After": "60"},
        )

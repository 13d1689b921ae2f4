"""Lets load balancers and monitors in."""

from asgiref.sync import async_to_sync
from django.http import HttpRequest, HttpResponse
from django.urls import resolve
from django.utils.deprecation import MiddlewareMixin


class HealthMiddleware(MiddlewareMixin):
    """Answers at /health/ before all other middleware.

    Who asks calls a machine by its address, and by plain HTTP. Others would refuse the one and
    redirect the other.
    """

    def process_request(self, request: HttpRequest) -> HttpResponse | None:
        if not request.path_info.startswith("/health/"):
            return None
        view = resolve(request.path_info).func
        response: HttpResponse = async_to_sync(view)(request)
        return response

"""Keeps results in Django's cache, and waits while it is down."""

# django-celery-results has no types.
# mypy: disable-error-code="misc"

from typing import Any

from django.db import InterfaceError, OperationalError, close_old_connections
from django_celery_results.backends import CacheBackend

# What a cache in the database raises, and one that is reached by sockets. If CACHE_URL names one
# with errors of its own, add those that pass by themselves.
AWAY = (InterfaceError, OperationalError, OSError)


class Backend(CacheBackend):
    """The backend of django-celery-results, which would lose a result that it cannot write."""

    def set(self, key: Any, value: Any) -> None:
        """Store a result. A cache in the database ignores its own errors."""
        super().set(key, value)
        if self.get(key) is None:
            raise OperationalError("The cache did not keep a result.")

    def exception_safe_to_retry(self, error: Exception) -> bool:
        """Retry while the cache is down, or the connection to it is lost."""
        return isinstance(error, AWAY)

    def on_backend_retryable_error(self, error: Exception) -> None:
        close_old_connections()

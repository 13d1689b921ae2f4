"""Keeps results in Django's cache, also when that is away for a while."""

# django-celery-results has no types.
# mypy: disable-error-code="misc"

from typing import Any

from django.db import InterfaceError, OperationalError, close_old_connections
from django_celery_results.backends import CacheBackend

# What a cache in the database raises, and one that is reached by sockets. If CACHE_URL names one
# with errors of its own, add those that pass by themselves.
AWAY = (InterfaceError, OperationalError, OSError)


class Backend(CacheBackend):
    """django-celery-results' own, which would lose a result that it cannot write at once."""

    def set(self, key: Any, value: Any) -> None:
        """Keeps a result. A cache in the database says nothing where it could not write."""
        super().set(key, value)
        if self.get(key) is None:
            raise OperationalError("The cache did not keep a result.")

    def exception_safe_to_retry(self, error: Exception) -> bool:
        """Whether to wait and try again: the cache is away, or the connection to it is gone."""
        return isinstance(error, AWAY)

    def on_backend_retryable_error(self, error: Exception) -> None:
        close_old_connections()

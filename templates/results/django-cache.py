"""Keep results in Django's cache, and wait while it is down."""

# django-celery-results has no types.
# mypy: disable-error-code="misc"

from collections.abc import Iterator
from typing import Any

from celery import current_app
from django.conf import settings
from django.core.cache import caches
from django.core.cache.backends.db import DatabaseCache
from django.core.cache.backends.dummy import DummyCache
from django.core.cache.backends.filebased import FileBasedCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.checks import CheckMessage, Error, register
from django.core.checks import Warning as CheckWarning
from django.db import InterfaceError, OperationalError, close_old_connections
from django_celery_results.backends import CacheBackend

# Temporary errors of a cache in the database or behind a socket. If yours raises others, add them.
TEMPORARY = (InterfaceError, OperationalError, OSError)
# A cache with fewer entries drops results early. Django's own default is 300.
FEW = 10_000


class Backend(CacheBackend):
    """A backend that retries. django-celery-results would lose a result that it cannot write."""

    def set(self, key: Any, value: Any) -> None:
        """Store a result, and check it: a cache in the database ignores its own errors."""
        for _attempt in range(3):
            super().set(key, value)
            if self.get(key) is not None:
                return
        raise ValueError("The cache did not keep a result, which may be too large.")

    def exception_safe_to_retry(self, error: Exception) -> bool:
        """Retry while the cache is down, or the connection to it is lost."""
        return isinstance(error, TEMPORARY)

    def on_backend_retryable_error(self, error: Exception) -> None:
        close_old_connections()


@register
def check_cache(**kwargs: Any) -> Iterator[CheckMessage]:
    """Check that all processes share the cache, and that it is large enough for results."""
    alias = current_app.conf.cache_backend
    cache = caches[alias]
    if isinstance(cache, LocMemCache | DummyCache):
        yield Error(
            f"The cache {alias!r} is local to each process: others cannot read the results in it.",
            hint=f"Set CACHE_URL to a shared cache such as dbcache://cache?max_entries={10 * FEW}.",
            id="task_queue.E001",
        )
    entries = settings.CACHES[alias].get("OPTIONS", {}).get("MAX_ENTRIES", 300)
    if isinstance(cache, DatabaseCache | FileBasedCache) and entries < FEW:
        yield CheckWarning(
            f"The cache {alias!r} holds at most {entries} results, and drops some beyond that.",
            hint=f"Add ?max_entries={10 * FEW} to CACHE_URL, or use another cache.",
            id="task_queue.W007",
        )

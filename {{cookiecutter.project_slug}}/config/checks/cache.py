"""A cache for results that only one process sees."""

from typing import Any

from django.core.cache import caches
from django.core.cache.backends.dummy import DummyCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.checks import CheckMessage, Error, register

from config import celery_app


@register
def check_cache(**kwargs: Any) -> list[CheckMessage]:
    """A worker writes results where the others can read them."""
    alias = celery_app.conf.cache_backend
    if not isinstance(caches[alias], LocMemCache | DummyCache):
        return []
    return [
        Error(
            f"The cache {alias!r} lives in the memory of each process: nobody would see the "
            "result of a task.",
            hint="Let CACHE_URL name a cache that all processes share, such as dbcache://cache.",
            id="celery.E002",
        )
    ]

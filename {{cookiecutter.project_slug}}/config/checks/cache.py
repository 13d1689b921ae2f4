"""A cache for results that only one process sees, or that holds few."""

from typing import Any

from django.conf import settings
from django.core.cache import caches
from django.core.cache.backends.db import DatabaseCache
from django.core.cache.backends.dummy import DummyCache
from django.core.cache.backends.filebased import FileBasedCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.checks import CheckMessage, Error, register
from django.core.checks import Warning as CheckWarning

from config import celery_app

# Django's own default is 300.
FEW = 10_000


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
            hint="Let CACHE_URL name a cache that all processes share, such as "
            f"dbcache://cache?max_entries={10 * FEW}.",
            id="celery.E002",
        )
    ]


@register
def check_entries(**kwargs: Any) -> list[CheckMessage]:
    """A cache that is full drops results, whether somebody still waits for them or not."""
    alias = celery_app.conf.cache_backend
    entries = settings.CACHES[alias].get("OPTIONS", {}).get("MAX_ENTRIES", 300)
    if not isinstance(caches[alias], DatabaseCache | FileBasedCache) or entries >= FEW:
        return []
    return [
        CheckWarning(
            f"The cache {alias!r} holds {entries} results, and drops some beyond that.",
            hint=f"Add ?max_entries={10 * FEW} to CACHE_URL, or name another cache.",
            id="celery.W011",
        )
    ]

"""Results in the cache are kept until they expire."""

from typing import Any

import pytest
from celery import Celery
from django.core.cache.backends.db import DatabaseCache

pytestmark = pytest.mark.django_db(transaction=True)


def test_hundreds_of_results_are_all_kept(celery: Celery) -> None:
    # More than Django's cache keeps by default.
    ids = [str(number) for number in range(400)]
    for number in ids:
        celery.backend.store_result(number, number, "SUCCESS")
    assert [celery.AsyncResult(number).result for number in ids] == ids


def test_a_result_that_the_cache_dropped_is_stored_again(
    celery: Celery, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep = DatabaseCache.set
    attempts = []

    def keep_the_second(*args: Any, **options: Any) -> None:
        attempts.append(args)
        if len(attempts) == 2:
            keep(*args, **options)

    monkeypatch.setattr(DatabaseCache, "set", keep_the_second)
    celery.backend.store_result("id", "kept", "SUCCESS")
    assert celery.AsyncResult("id").result == "kept"


def test_a_result_that_the_cache_never_keeps_is_given_up(
    celery: Celery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DatabaseCache, "set", lambda *args, **options: None)
    with pytest.raises(ValueError, match="did not keep a result"):
        celery.backend.store_result("large", "too large", "SUCCESS")

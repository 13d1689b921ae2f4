"""Results in Redis survive a short outage."""

import time
from typing import Any

import pytest
from celery.backends.redis import RedisBackend
from redis.exceptions import ConnectionError as RedisError

from config import celery_app


def test_a_part_of_a_chord_is_counted_when_redis_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    attempts = []

    def count(self: RedisBackend, *args: Any, **kwargs: Any) -> None:
        attempts.append(args)
        if len(attempts) == 1:
            raise RedisError("down")

    monkeypatch.setattr(RedisBackend, "on_chord_part_return", count)
    # As workers set it.
    monkeypatch.setattr(celery_app.backend, "always_retry", True)
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    celery_app.backend.on_chord_part_return("request", "SUCCESS", 1)
    assert attempts == [("request", "SUCCESS", 1)] * 2
    # Redis may have counted the part, and then reserves the body for this long.
    assert max(waits) > celery_app.conf.result_chord_join_timeout * 2

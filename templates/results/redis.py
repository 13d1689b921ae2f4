"""Keeps results in Redis."""

# Celery's stubs leave this out.
# mypy: disable-error-code="misc"

from typing import Any

from celery.app.backends import BACKEND_ALIASES
from celery.backends.redis import RedisBackend, SentinelBackend


class Backend(RedisBackend):
    """A backend that only `get()` subscribes to, so that sending a task needs the broker only."""

    def on_task_call(self, producer: Any, task_id: str) -> None:
        """Do nothing."""


class SentinelResults(Backend, SentinelBackend):
    """The same for `sentinel://`."""


BACKEND_ALIASES["redis"] = BACKEND_ALIASES["rediss"] = f"{__name__}:Backend"
BACKEND_ALIASES["sentinel"] = f"{__name__}:SentinelResults"

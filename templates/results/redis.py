"""Keep results in Redis."""

# Celery's stubs leave this out.
# mypy: disable-error-code="attr-defined, misc"

import time
from typing import Any

from celery.app.backends import BACKEND_ALIASES
from celery.backends.redis import RedisBackend, SentinelBackend
from kombu.exceptions import OperationalError

# Celery reserves the body of a chord for six seconds for whoever counts the last part.
RESERVED = 7


class Backend(RedisBackend):
    """A backend that raises kombu's OperationalError in the sender while Redis is down."""

    def on_task_call(self, producer: Any, task_id: str) -> None:
        """Subscribe to the result. Celery raises RuntimeError, and would never subscribe again."""
        try:
            super().on_task_call(producer, task_id)
        except (RuntimeError, *self.connection_errors) as error:
            self.result_consumer.subscribed_to.discard(self.get_key_for_task(task_id))
            raise OperationalError(f"The result backend is down: {error}") from error

    def on_chord_part_return(self, *args: Any, **kwargs: Any) -> None:
        """Count a finished part of a chord. Celery would not wait for Redis here."""
        self._ensure_retryable(self.count_part, *args, **kwargs)

    def count_part(self, *args: Any, **kwargs: Any) -> None:
        try:
            super().on_chord_part_return(*args, **kwargs)
        except self.connection_errors:
            # Redis may have counted the last part, and reserved the body for this attempt.
            time.sleep(RESERVED)
            raise


class SentinelResults(Backend, SentinelBackend):
    """The same for `sentinel://`, with the TLS options of the first address."""

    def _params_from_url(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        params: dict[str, Any] = super()._params_from_url(*args, **kwargs)
        options = params["hosts"][0].items()
        return {name: value for name, value in options if name.startswith("ssl_")} | params


BACKEND_ALIASES["redis"] = BACKEND_ALIASES["rediss"] = f"{__name__}:Backend"
BACKEND_ALIASES["sentinel"] = f"{__name__}:SentinelResults"

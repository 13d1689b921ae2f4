"""What a worker's main process says about a task that a pool process runs."""

from contextlib import AbstractContextManager
from typing import Any

import celery.worker.request
from structlog.contextvars import bound_contextvars


class Request(celery.worker.request.Request):
    """A task whose time is over or whose process died: the lines name who sent it, as others do."""

    def sender(self) -> AbstractContextManager[None]:
        sent_by = self.request_dict.get("__django_structlog__") or {}
        return bound_contextvars(**sent_by | {"task_id": self.id, "task": self.name})

    def on_timeout(self, *args: Any, **options: Any) -> None:
        with self.sender():
            super().on_timeout(*args, **options)

    def on_failure(self, *args: Any, **options: Any) -> Any:
        with self.sender():
            return super().on_failure(*args, **options)

    def revoked(self) -> bool:
        with self.sender():
            return bool(super().revoked())

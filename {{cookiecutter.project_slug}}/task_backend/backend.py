"""Django's own task API, on Celery: `TASKS` in the settings names this backend."""

from copy import copy
from typing import Any
from uuid import uuid4

from django.db import transaction
from django.tasks import Task, TaskResult, TaskResultStatus
from django.tasks.backends.base import BaseTaskBackend
from django.tasks.exceptions import TaskResultDoesNotExist
from django.tasks.signals import task_enqueued
from django.utils import timezone
from kombu.exceptions import OperationalError

from config import celery_app
from task_backend.records import load, store, to_record, to_result
from task_backend.tasks import run


class CeleryBackend(BaseTaskBackend):
    """Sends tasks to this project's workers, and finds their results."""

    supports_defer = True
    supports_async_task = True

    def __init__(self, alias: str, params: dict[str, Any]) -> None:
        super().__init__(alias, params)
        self.supports_get_result = self.options.get("supports_get_result", False)
        self.supports_priority = self.options.get("supports_priority", False)

    def enqueue(self, task: Task, args: list[Any], kwargs: dict[str, Any]) -> TaskResult:
        """Sends a task, with `enqueue_on_commit` once the transaction around it is committed.

        Raises OperationalError when the broker or the result backend is away.
        """
        self.validate_task(task)
        result: TaskResult = TaskResult(
            task=task,
            id=str(uuid4()),
            status=TaskResultStatus.READY,
            enqueued_at=timezone.now(),
            started_at=None,
            last_attempted_at=None,
            finished_at=None,
            args=args,
            kwargs=kwargs,
            backend=self.alias,
            errors=[],
            worker_ids=[],
        )
        record = to_record(result)
        # Kept before it is sent, or it could overwrite what the worker writes.
        if self.supports_get_result:
            results = impatient(celery_app.backend)
            try:
                store(results, result.id, record)
            except Exception as error:
                if not results.exception_safe_to_retry(error):
                    raise
                raise OperationalError(f"The result backend is away: {error}") from error
        options: dict[str, Any] = {"queue": task.queue_name, "eta": task.run_after}
        if self.supports_priority:
            options["priority"] = celery_priority(task.priority)

        def send() -> None:
            try:
                # The shadow is the name that logs and monitors show.
                run.apply_async((record,), task_id=result.id, shadow=task.module_path, **options)
            except Exception:
                if self.supports_get_result:
                    results.forget(result.id)
                raise
            task_enqueued.send(type(self), task_result=result)

        if self.options.get("enqueue_on_commit", False):
            transaction.on_commit(send)
        else:
            send()
        return result

    def get_result(self, result_id: str) -> TaskResult:
        """Finds a task. Raises TaskResultDoesNotExist if none was sent, or its result expired."""
        if not self.supports_get_result:
            raise NotImplementedError("This project keeps no results that could be looked up.")
        record = load(impatient(celery_app.backend), result_id)
        if record is None:
            raise TaskResultDoesNotExist(result_id)
        return to_result(result_id, record)


def impatient(results: Any) -> Any:
    """A result backend that raises an error when it is away, where a worker would wait."""
    results = copy(results)
    results.always_retry = False
    return results


def celery_priority(priority: int) -> int:
    """Turns Django's -100 to 100, the most urgent, into Celery's 9 to 0, the most urgent."""
    return (100 - priority) * 9 // 200

"""Django's own task API on Celery. Messages and results hold a record of each task."""

import sys
from contextlib import suppress
from dataclasses import fields
from traceback import format_exception
from typing import Any
from uuid import uuid4

from billiard.common import terminate_handler_fired  # type: ignore[attr-defined]
from celery import shared_task, states
from celery.app.task import Context
from django.db import transaction
from django.dispatch import Signal
from django.tasks import Task, TaskContext, TaskResult, TaskResultStatus, task_backends
from django.tasks.backends.base import BaseTaskBackend
from django.tasks.base import TaskError
from django.tasks.exceptions import TaskResultDoesNotExist
from django.tasks.signals import task_enqueued, task_finished, task_started
from django.utils import timezone
from django.utils.json import normalize_json
from django.utils.module_loading import import_string
from kombu.exceptions import OperationalError

from config import celery_app
from task_queue import base

Record = dict[str, Any]


class Failed(Exception):  # noqa: N818 - an outcome, not an error
    """Hold the record of a failed task, for which Celery stores an exception."""


class CeleryBackend(BaseTaskBackend):
    """Send tasks to this project's workers, and find their results."""

    supports_defer = True
    supports_async_task = True

    def __init__(self, alias: str, params: dict[str, Any]) -> None:
        super().__init__(alias, params)
        self.supports_get_result = self.options.get("supports_get_result", False)
        self.supports_priority = self.options.get("supports_priority", False)

    def enqueue(self, task: Task, args: list[Any], kwargs: dict[str, Any]) -> TaskResult:
        """Send a task; with `enqueue_on_commit`, after the transaction around it is committed.

        Raises OperationalError while the broker or the result backend is down.
        """
        self.validate_task(task)
        record: Record = {
            "id": str(uuid4()),
            "task": task.module_path,
            "using": {
                "priority": task.priority,
                "queue_name": task.queue_name,
                "run_after": task.run_after,
            },
            "status": "READY",
            "enqueued_at": timezone.now(),
            "started_at": None,
            "last_attempted_at": None,
            "finished_at": None,
            "args": normalize_json(args),
            "kwargs": normalize_json(kwargs),
            "backend": self.alias,
            "errors": [],
            "worker_ids": [],
            "return_value": None,
        }
        result = to_result(record)
        results: Any = celery_app.backend
        # Store the record before sending it, or it could overwrite the worker's.
        try:
            self.store(results, record)
        except Exception as error:
            if not results.exception_safe_to_retry(error):
                raise
            raise OperationalError(f"The result backend is down: {error}") from error
        options: dict[str, Any] = {"queue": task.queue_name, "eta": task.run_after}
        if self.supports_priority:
            # The most urgent is Django's 100 and Celery's 0, the least urgent -100 and 9.
            options["priority"] = (100 - task.priority) * 9 // 200

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
        """Find a task. Raises TaskResultDoesNotExist if none was sent, or its result expired."""
        if not self.supports_get_result:
            raise NotImplementedError("This project's results cannot be looked up.")
        record = self.load(celery_app.backend, result_id)
        if not record:
            raise TaskResultDoesNotExist(result_id)
        return to_result(record)

    def store(self, results: Any, record: Record) -> None:
        """Write a record to a result backend of Celery, which never overwrites SUCCESS."""
        if self.supports_get_result:
            ended = {"SUCCESSFUL": states.SUCCESS, "FAILED": states.FAILURE}
            state = ended.get(record["status"], record["status"])
            value = Failed(record) if state == states.FAILURE else record
            request = Context(task=record["task"])
            results.store_result(record["id"], value, state, request=request)

    def load(self, results: Any, task_id: str) -> Record:
        """Return the record of a task; an empty one if it was never sent, or has expired."""
        if not self.supports_get_result:
            return {}
        found = results.get_task_meta(task_id, cache=False)["result"]
        found = found.args[0] if isinstance(found, Failed) else found
        # Other tasks of Celery have results, too.
        return found if isinstance(found, dict) and "worker_ids" in found else {}


class Runner(base.Task):
    """Update the record of a task, and send Django's signals."""

    def recall(self, record: Record) -> None:
        """Update a record from the result backend."""
        backend: Any = task_backends[record["backend"]]
        record.update(backend.load(self.backend, record["id"]))

    def note(self, record: Record, signal: Signal, **changes: Any) -> TaskResult:
        """Change the record, store it, and send a signal with it as a result."""
        record.update(changes)
        backend: Any = task_backends[record["backend"]]
        backend.store(self.backend, record)
        result = to_result(record)
        signal.send(type(backend), task_result=result)
        return result

    def on_failure(self, exc: Any, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:
        """Store a failure. Celery also calls this after a quarantine and at the time limit."""
        if isinstance(exc, MemoryError):
            # The worker ends, and the task is delivered again.
            return
        # If Celery cannot pickle an exception, it passes a copy.
        error = sys.exc_info()[1] or exc
        if isinstance(error.__cause__, SystemExit):
            error = error.__cause__
        record: Record = args[0]
        # `run` has changed this record, unless it ran in another process or never began.
        if record["status"] == "READY":
            self.recall(record)
        reason = {
            "exception_class_path": f"{type(error).__module__}.{type(error).__qualname__}",
            "traceback": "".join(format_exception(error)),
        }
        errors = [*record["errors"], reason]
        # If it failed because there is no such task, there is nothing to send.
        with suppress(ImportError):
            ended = timezone.now()
            self.note(record, task_finished, status="FAILED", finished_at=ended, errors=errors)


# Celery's own result would overwrite the record.
@shared_task(bind=True, base=Runner, ignore_result=True)
def run(self: Runner, record: Record) -> None:
    """Run the task that a record names."""
    # An interrupted task has been started before.
    self.recall(record)
    now = timezone.now()
    result = self.note(
        record,
        task_started,
        status="RUNNING",
        started_at=record["started_at"] or now,
        last_attempted_at=now,
        worker_ids=[*record["worker_ids"], self.request.hostname],
    )
    args = result.args
    if result.task.takes_context:
        args = [TaskContext(task_result=result), *args]
    try:
        value = result.task.call(*args, **result.kwargs)
    except SystemExit as error:
        # A signal ends this process, and the main process reports why.
        if terminate_handler_fired():
            raise
        # It would end the worker's process.
        raise RuntimeError(str(error)) from error
    value, ended = normalize_json(value), timezone.now()
    self.note(record, task_finished, status="SUCCESSFUL", finished_at=ended, return_value=value)


def to_result(record: Record) -> TaskResult:
    """Turn a record into a result. Raise ImportError if there is no such task."""
    task = import_string(record["task"])
    if not isinstance(task, Task):
        raise ImportError(f"{record['task']} is not a task of Django.")
    values = {field.name: record[field.name] for field in fields(TaskResult) if field.init}
    values["task"] = task.using(backend=record["backend"], **record["using"])
    values["status"] = TaskResultStatus(record["status"])
    values["errors"] = [TaskError(**error) for error in record["errors"]]
    result: TaskResult = TaskResult(**values)
    # As Django's own backends do: a result is frozen.
    object.__setattr__(result, "_return_value", record["return_value"])
    return result

"""Django's own task API on Celery: `TASKS` in the settings names this backend.

A message carries a task as a record, a dictionary. If results can be looked up, the result backend
keeps the record, and each run updates it there.
"""

import sys
from copy import copy
from dataclasses import asdict
from datetime import datetime
from traceback import format_exception
from typing import Any
from uuid import uuid4

from celery import shared_task, states
from celery.app.task import Context
from django.db import transaction
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

# What a record and Django's TaskResult call by the same name; times are text in a record.
SAME = ("args", "kwargs", "backend", "worker_ids")
TIMES = ("enqueued_at", "started_at", "last_attempted_at", "finished_at")
STATES = {
    "READY": states.PENDING,
    "RUNNING": states.STARTED,
    "FAILED": states.FAILURE,
    "SUCCESSFUL": states.SUCCESS,
}


class Failed(Exception):  # noqa: N818 - what happened, not what went wrong
    """Holds the record of a failed task, since Celery keeps an exception for one."""


class Exited(Exception):  # noqa: N818 - what happened, not what went wrong
    """Raised for SystemExit, which would end the worker's process."""


class CeleryBackend(BaseTaskBackend):
    """Sends tasks to this project's workers, and finds their results."""

    supports_defer = True
    supports_async_task = True

    def __init__(self, alias: str, params: dict[str, Any]) -> None:
        super().__init__(alias, params)
        self.supports_get_result = self.options.get("supports_get_result", False)
        options = celery_app.conf.broker_transport_options
        self.supports_priority = options.get("queue_order_strategy") == "priority"

    def enqueue(self, task: Task, args: list[Any], kwargs: dict[str, Any]) -> TaskResult:
        """Send a task; with `enqueue_on_commit`, after the transaction around it is committed.

        Raises OperationalError while the broker or the result backend is down.
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
        # Stored before it is sent, or it could overwrite what the worker writes.
        if self.supports_get_result:
            results = impatient(celery_app.backend)
            try:
                store(results, result.id, record)
            except Exception as error:
                if not results.exception_safe_to_retry(error):
                    raise
                raise OperationalError(f"The result backend is down: {error}") from error
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
        """Find a task. Raises TaskResultDoesNotExist if none was sent, or its result expired."""
        if not self.supports_get_result:
            raise NotImplementedError("This project keeps no results that could be looked up.")
        record = load(impatient(celery_app.backend), result_id)
        if record is None:
            raise TaskResultDoesNotExist(result_id)
        return to_result(result_id, record)


class Runner(base.Task):
    """Notes in the record what becomes of a task, and sends Django's signals."""

    def begin(self, task_id: str, record: Record) -> TaskResult:
        now = to_text(timezone.now())
        # An interrupted task has been started before.
        record.update(self.stored(task_id, record))
        record["status"] = TaskResultStatus.RUNNING.value
        record["started_at"] = record["started_at"] or now
        record["last_attempted_at"] = now
        record["worker_ids"] = [*record["worker_ids"], self.request.hostname]
        self.store(task_id, record)
        result = to_result(task_id, record)
        task_started.send(type(task_backends[record["backend"]]), task_result=result)
        return result

    def end(self, task_id: str, record: Record, status: TaskResultStatus) -> None:
        record["status"] = status.value
        record["finished_at"] = to_text(timezone.now())
        self.store(task_id, record)
        try:
            result = to_result(task_id, record)
        except ImportError:
            # There is no such task, which is why it failed.
            return
        task_finished.send(type(task_backends[record["backend"]]), task_result=result)

    def on_failure(self, exc: Any, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:
        """Celery also calls this for a task that is quarantined, or stopped at its time limit."""
        if isinstance(exc, MemoryError):
            # The worker ends, and the task is delivered again.
            return
        # Celery passes a copy of what it cannot pickle.
        error = sys.exc_info()[1] or exc
        if isinstance(error, Exited):
            error = error.__cause__
        record: Record = args[0]
        # `run` has changed this very record, unless in another process, or not begun.
        if record["status"] == TaskResultStatus.READY:
            record.update(self.stored(task_id, record))
        reason = {
            "exception_class_path": f"{type(error).__module__}.{type(error).__qualname__}",
            "traceback": "".join(format_exception(error)),
        }
        record["errors"] = [*record["errors"], reason]
        self.end(task_id, record, TaskResultStatus.FAILED)

    def stored(self, task_id: str, record: Record) -> Record:
        """Return the record as it was stored last."""
        if not task_backends[record["backend"]].supports_get_result:
            return {}
        return load(self.backend, task_id) or {}

    def store(self, task_id: str, record: Record) -> None:
        if task_backends[record["backend"]].supports_get_result:
            store(self.backend, task_id, record)


# Celery's own note of the result would take the place of the record.
@shared_task(bind=True, base=Runner, ignore_result=True)
def run(self: Runner, record: Record) -> None:
    """Run the task that a record names."""
    result = self.begin(str(self.request.id), record)
    args = result.args
    if result.task.takes_context:
        args = [TaskContext(task_result=result), *args]
    try:
        value = result.task.call(*args, **result.kwargs)
    except SystemExit as error:
        # With a negative code, Celery ends the process, and has the task run again or fail.
        if isinstance(error.code, int) and error.code < 0:
            raise
        raise Exited(str(error)) from error
    record["return_value"] = normalize_json(value)
    self.end(result.id, record, TaskResultStatus.SUCCESSFUL)


def to_record(result: TaskResult) -> Record:
    task = result.task
    return {
        "task": task.module_path,
        "priority": task.priority,
        "queue_name": task.queue_name,
        "run_after": to_text(task.run_after),
        "status": result.status.value,
        "errors": [asdict(error) for error in result.errors],
        "return_value": None,
        **{name: getattr(result, name) for name in SAME},
        **{name: to_text(getattr(result, name)) for name in TIMES},
    }


def to_result(task_id: str, record: Record) -> TaskResult:
    """Turn a record into a result. Raise ImportError if there is no such task."""
    task = import_string(record["task"])
    if not isinstance(task, Task):
        raise ImportError(f"{record['task']} is not a task of Django.")
    same: dict[str, Any] = {name: record[name] for name in SAME}
    times: dict[str, Any] = {name: to_time(record[name]) for name in TIMES}
    result: TaskResult = TaskResult(
        task=task.using(
            priority=record["priority"],
            queue_name=record["queue_name"],
            run_after=to_time(record["run_after"]),
            backend=record["backend"],
        ),
        id=task_id,
        status=TaskResultStatus(record["status"]),
        errors=[TaskError(**error) for error in record["errors"]],
        **same,
        **times,
    )
    # As Django's own backends do: a result is frozen.
    object.__setattr__(result, "_return_value", record["return_value"])
    return result


def to_text(time: datetime | None) -> str | None:
    return time.isoformat() if time else None


def to_time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def store(results: Any, task_id: str, record: Record) -> None:
    """Write a record to a result backend of Celery, under Celery's own name for its status."""
    failed = record["status"] == "FAILED"
    results.store_result(
        task_id,
        Failed(record) if failed else record,
        STATES[record["status"]],
        traceback=record["errors"][-1]["traceback"] if failed else None,
        # What an admin lists beside it.
        request=Context(
            task=record["task"],
            args=record["args"],
            kwargs=record["kwargs"],
            hostname=record["worker_ids"][-1] if record["worker_ids"] else None,
        ),
    )


def load(results: Any, task_id: str) -> Record | None:
    """Return the record of a task; None if it was never sent, or has expired."""
    found = results.get_task_meta(task_id, cache=False)["result"]
    if isinstance(found, Failed):
        found = found.args[0]
    # Other tasks of Celery have results, too.
    return found if isinstance(found, dict) and "worker_ids" in found else None


def impatient(results: Any) -> Any:
    """Return a result backend that raises an error when it is down, where a worker would wait."""
    results = copy(results)
    results.always_retry = False
    return results


def celery_priority(priority: int) -> int:
    """Turn Django's -100 to 100, the most urgent, into Celery's 9 to 0, the most urgent."""
    return (100 - priority) * 9 // 200

"""What runs the tasks of Django's own API: one task of Celery, which is told what to run."""

import sys
from traceback import format_exception
from typing import Any

from celery import shared_task
from django.tasks import TaskContext, TaskResult, TaskResultStatus, task_backends
from django.tasks.signals import task_finished, task_started
from django.utils import timezone
from django.utils.json import normalize_json

from config.tasks import Task
from task_backend.records import Record, load, store, to_result, to_text


class Exited(Exception):  # noqa: N818 - what happened, not what went wrong
    """Raised for SystemExit, which would end the worker's process."""


class Runner(Task):
    """Notes in the record what becomes of a task, and sends Django's signals."""

    def begin(self, task_id: str, record: Record) -> TaskResult:
        now = to_text(timezone.now())
        # One that was interrupted has been started before.
        record.update(self.earlier(task_id, record))
        record["status"] = TaskResultStatus.RUNNING.value
        record["started_at"] = record["started_at"] or now
        record["last_attempted_at"] = now
        record["worker_ids"] = [*record["worker_ids"], self.request.hostname]
        self.keep(task_id, record)
        result = to_result(task_id, record)
        task_started.send(type(task_backends[record["backend"]]), task_result=result)
        return result

    def end(self, task_id: str, record: Record, status: TaskResultStatus) -> None:
        record["status"] = status.value
        record["finished_at"] = to_text(timezone.now())
        self.keep(task_id, record)
        try:
            result = to_result(task_id, record)
        except ImportError:
            # There is no such task, which is why it failed.
            return
        task_finished.send(type(task_backends[record["backend"]]), task_result=result)

    def on_failure(self, exc: Any, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:
        """Celery also calls this for a task that it set aside, or stopped at its time limit."""
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
            record.update(self.earlier(task_id, record))
        reason = {
            "exception_class_path": f"{type(error).__module__}.{type(error).__qualname__}",
            "traceback": "".join(format_exception(error)),
        }
        record["errors"] = [*record["errors"], reason]
        self.end(task_id, record, TaskResultStatus.FAILED)

    def earlier(self, task_id: str, record: Record) -> Record:
        """The record as it was kept last."""
        if not task_backends[record["backend"]].supports_get_result:
            return {}
        return load(self.backend, task_id) or {}

    def keep(self, task_id: str, record: Record) -> None:
        if task_backends[record["backend"]].supports_get_result:
            store(self.backend, task_id, record)


# Celery's own note of the result would take the place of the record.
@shared_task(bind=True, base=Runner, ignore_result=True)
def run(self: Runner, record: Record) -> None:
    """Runs the task that a record names."""
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

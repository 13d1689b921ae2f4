"""What is known of a task: messages carry it as a record, and the result backend keeps it."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from celery import states
from celery.app.task import Context
from django.tasks import Task, TaskResult, TaskResultStatus
from django.tasks.base import TaskError
from django.utils.module_loading import import_string

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
    """Holds the record of a task that failed, since Celery keeps an exception for one."""


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
    """Raises ImportError when there is no such task."""
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
    """Writes a record to a result backend of Celery, under Celery's own name for its status."""
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
    """Returns the record of a task, None if there is none: it was never sent, or has expired."""
    found = results.get_task_meta(task_id, cache=False)["result"]
    if isinstance(found, Failed):
        found = found.args[0]
    # Other tasks of Celery have results, too.
    return found if isinstance(found, dict) and "worker_ids" in found else None

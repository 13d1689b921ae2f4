"""Tasks of Django's own task API for the tests."""

import time
from pathlib import Path

from celery import current_task
from django.dispatch import receiver
from django.tasks import TaskContext, TaskResult, task
from django.tasks.signals import task_finished, task_started

from tests.tasks import write


@task
def record(text: str, path: str) -> None:
    write(path, text)


@task
async def record_async(text: str, path: str) -> None:
    write(path, text)


@task
def record_time(path: str) -> None:
    write(path, repr(time.time()))


@task(queue_name="slow")
def record_queue(path: str) -> None:
    write(path, str(current_task.request.delivery_info))


@task(takes_context=True)
def record_context(context: TaskContext, path: str) -> None:
    result = context.task_result
    write(path, f"{result.id} {result.status} {context.attempt}")


@task
def end(path: str, how: str) -> None:
    """Succeed, fail or exit."""
    write(path, "running")
    if how == "fail":
        raise ValueError("this cannot work")
    if how == "exit":
        raise SystemExit("it exits")


@receiver([task_started, task_finished])
def record_status(task_result: TaskResult, **kwargs: object) -> None:
    if task_result.task.func is end.func:
        write(task_result.args[0], task_result.status.value)


@task
async def multiply(x: int, y: int) -> int:
    return x * y


@task
def return_unserializable() -> object:
    return return_unserializable


@task
def wait_for(path: str, until: str) -> None:
    """Run until the file `until` exists."""
    write(path, "started")
    while not Path(until).exists():
        time.sleep(0.02)

"""Log lines of tasks have the id of the request that sent them."""

import re
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from celery import chain
from django.contrib.auth.models import Group
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path
from structlog.contextvars import bind_contextvars

from tests import WORKER, Notes, Process, wait_until
from tests.machinery_tasks import ignore_the_soft_time_limit
from tests.tasks import add, fail_twice, record, wait_for

ORDER = uuid4()
EVENTS = ("task_retrying", "task_succeeded")


def send(request: HttpRequest, notes: str) -> HttpResponse:
    """Send two tasks, one after the other. The first is retried twice."""
    second = chain(fail_twice.s(f"/{notes}"), record.s(f"/{notes}")).delay()
    return HttpResponse(f"{second.parent} {second}")


def send_endless(request: HttpRequest, notes: str) -> HttpResponse:
    """Send a task that times out after three seconds."""
    task = wait_for.apply_async((f"/{notes}", f"/{notes}.never"), soft_time_limit=3)
    return HttpResponse(str(task))


def send_ordered(request: HttpRequest, notes: str) -> HttpResponse:
    """Send a task, with context variables bound to the log."""
    bind_contextvars(order=ORDER, buyers=Group(name="friends"))
    return HttpResponse(str(record.delay("ordered", f"/{notes}")))


def apply(request: HttpRequest) -> HttpResponse:
    """Run a task in this process."""
    return HttpResponse(add.apply((1, 2)).get())


urlpatterns = [
    path("two/<path:notes>", send),
    path("endless/<path:notes>", send_endless),
    path("ordered/<path:notes>", send_ordered),
    path("apply", apply),
]


def ask(client: Client, caplog: pytest.LogCaptureFixture, path: str) -> tuple[str, str]:
    """Return the logged id of a request, and its response."""
    caplog.clear()
    answer = client.get(path).content.decode()
    said: list[Any] = [record.msg for record in caplog.records]
    return next(line["request_id"] for line in said if "request_started" in str(line)), answer


def ids(lines: list[str]) -> set[str]:
    """Return the request ids in the lines, and "none" for lines without one."""
    found = [re.search(r"request_id=(\S{36})", line) for line in lines]
    return {match[1] if match else "none" for match in found}


@pytest.mark.urls(__name__)
def test_a_request_and_its_tasks_log_the_same_id(
    client: Client, caplog: pytest.LogCaptureFixture, notes: Notes, worker: Process
) -> None:
    def lines(tasks: str) -> list[str]:
        log = worker.log.read_text().splitlines()
        return [line for line in log if any(task in line for task in tasks.split())]

    def count(tasks: str) -> list[int]:
        return [sum(event in line for line in lines(tasks)) for event in EVENTS]

    (first, one), (second, other) = [ask(client, caplog, f"/two{notes.path}") for _ in range(2)]
    wait_until(lambda: count(one) == count(other) == [2, 2], what="the tasks to succeed")
    assert (ids(lines(one)), ids(lines(other))) == ({first}, {second})


@pytest.mark.urls(__name__)
def test_a_task_that_times_out_logs_its_request_id(
    client: Client, caplog: pytest.LogCaptureFixture, notes: Notes, worker: Process
) -> None:
    request, task = ask(client, caplog, f"/endless{notes.path}")
    worker.wait_for_line(f"exceeded for tests.tasks.wait_for[{task}]")
    said = [line for line in worker.log.read_text().splitlines() if task in line]
    assert ids(said) == {request}


@pytest.mark.django_db(transaction=True)
def test_a_task_that_is_killed_is_logged(worker: Process) -> None:
    task = ignore_the_soft_time_limit.delay().id

    def is_logged() -> bool:
        log = worker.log.read_text().splitlines()
        return any("task_failed" in line and task in line for line in log)

    wait_until(is_logged, "the line of a failed task")
    assert "Logging error" not in worker.log.read_text()


@pytest.mark.urls(__name__)
def test_a_task_logs_the_context_of_its_request(
    client: Client, caplog: pytest.LogCaptureFixture, notes: Notes, worker: Process
) -> None:
    request, task = ask(client, caplog, f"/ordered{notes.path}")
    worker.wait_for_line(task)
    said = [line for line in worker.log.read_text().splitlines() if task in line]
    assert ids(said) == {request}
    assert f"order={ORDER}" in said[0]
    assert "buyers=friends" in said[0]


@pytest.mark.urls(__name__)
def test_a_request_that_applies_a_task_keeps_its_id(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    request, answer = ask(client, caplog, "/apply")
    assert answer == "3"
    said = [record.msg for record in caplog.records if isinstance(record.msg, dict)]
    events = ["request_started", "task_succeeded", "request_finished"]
    assert [line["event"] for line in said] == events
    assert {line["request_id"] for line in said} == {request}


@pytest.mark.usefixtures("celery")
def test_loglevel_and_logfile_of_a_worker_are_honoured(tmp_path: Path) -> None:
    file = tmp_path / "file"
    options = ["--loglevel", "DEBUG", "--logfile", str(file), "--pool", "solo"]
    process = Process(tmp_path / "log", *WORKER, *options)
    try:
        wait_until(lambda: file.exists() and "[debug " in file.read_text(), "a line in the file")
    finally:
        process.stop()
    assert "[info " not in process.log.read_text()

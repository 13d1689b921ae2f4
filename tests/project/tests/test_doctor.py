"""`manage.py doctor` reports what works, and suggests a fix for what does not."""

import re
import socket
from threading import Event

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from config import celery_app
from config.env import env
from task_queue.doctor import UnhealthyError, database
from task_queue.health import within
from tests import SECONDS, Process
from tests.doctor import Report, report_once
from tests.workers import broker_at

pytestmark = [pytest.mark.usefixtures("celery"), pytest.mark.django_db(transaction=True)]

LINES = ("Database", "Broker", "Workers", "Tasks", "Results")
ALL_OK = dict.fromkeys(LINES, "ok")


def test_everything_is_ok_with_a_worker(worker: Process) -> None:
    report = report_once(lambda report: ALL_OK.items() <= report.states.items())
    assert re.search(r" answers \(\d+ ms\)$", report.line("Broker"))
    assert re.search(r" run from .*default.* \(\d+ ms\)$", report.line("Tasks"))
    if celery_app.conf.worker_enable_remote_control:
        assert re.search(r" one@\S+ reads default and slow", report.line("Workers"))


def test_an_unreachable_broker_is_reported_without_its_password() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        report = Report(SECONDS, CELERY_BROKER_URL=broker_at(closed))
    assert report.states["Database"] == "ok"
    assert report.states["Broker"] == "failed"
    assert report.states["Tasks"] == "skipped"
    assert "sesame" not in report.text


def test_a_silent_server_is_a_timeout() -> None:
    def never() -> bool:
        return Event().wait()

    with pytest.raises(TimeoutError, match=r"no answer within 0\.1 s"):
        within(0.1, never)


def test_an_unreachable_database_is_reported() -> None:
    url = env("DATABASE_URL").rpartition("/")[0] + "/nowhere/at_all"
    report = Report(3, DATABASE_URL=url)
    assert report.states["Database"] == "failed"
    assert report.states["Tasks"] == "skipped"


def test_a_missing_migration_is_reported() -> None:
    recorder = MigrationRecorder(connection)
    recorder.record_unapplied("task_queue", "0001_initial")
    try:
        with pytest.raises(UnhealthyError, match="migrations missing: 1") as missing:
            database(SECONDS)
    finally:
        recorder.record_applied("task_queue", "0001_initial")
    assert missing.value.fix == "Apply them: make migrate"

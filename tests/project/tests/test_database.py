"""Workers keep their connections to the database, and notice when they are gone."""

import pytest
from django.db import connection
from django.utils import timezone

from task_queue.doctor import answer
from task_queue.models import Heartbeat
from tests.fixtures import wait_until

pytestmark = [pytest.mark.usefixtures("worker"), pytest.mark.django_db(transaction=True)]


def run_tasks() -> None:
    """Ten tasks that use the database, one after the other."""
    for _ in range(10):
        Heartbeat.objects.create(name="x", at=timezone.now())
        answer.delay("x")
        wait_until(lambda: not Heartbeat.objects.exists(), what="the task to run")


def connections(what: str = "pid") -> set[object]:
    """Return a row for each connection that workers have to the database."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {what} FROM pg_stat_activity"  # noqa: S608
            " WHERE datname = current_database() AND pid != pg_backend_pid()"
        )
        return {row[0] for row in cursor.fetchall()}


def test_a_connection_outlasts_a_task_and_is_replaced_when_it_broke() -> None:
    run_tasks()
    # Some of them may be of a result that is just being stored, and end with that.
    found = connections()
    run_tasks()
    first = found & connections()
    assert first
    connections("pg_terminate_backend(pid)")
    run_tasks()
    assert connections().isdisjoint(first)
    assert connections()

"""Workers reuse their database connections, and replace broken ones."""

import pytest
from django.db import connection
from django.utils import timezone

from task_queue.doctor import answer
from task_queue.models import Heartbeat
from tests import wait_until

pytestmark = [pytest.mark.usefixtures("worker"), pytest.mark.django_db(transaction=True)]


def run_tasks() -> None:
    """Run ten tasks that use the database, one after the other."""
    for _ in range(10):
        Heartbeat.objects.create(name="x", at=timezone.now())
        answer.delay("x")
        wait_until(lambda: not Heartbeat.objects.exists(), what="the task to run")


def connections(what: str = "pid") -> set[object]:
    """Return a column for each database connection of the workers."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {what} FROM pg_stat_activity"  # noqa: S608
            " WHERE datname = current_database() AND pid != pg_backend_pid()"
        )
        return {row[0] for row in cursor.fetchall()}


def test_a_connection_is_reused_and_replaced_when_it_breaks() -> None:
    run_tasks()
    # Some may be short-lived connections that store a result.
    found = connections()
    run_tasks()
    first = found & connections()
    assert first
    connections("pg_terminate_backend(pid)")
    run_tasks()
    assert connections().isdisjoint(first)
    assert connections()

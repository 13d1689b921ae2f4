"""Checks for an unsafe address of the queues in PostgreSQL, and for their prefix."""

import pytest

from tests.checks import check
from tests.production import faults

WEAK = "://user:user@db.example.com/name"


def test_queues_use_the_address_of_the_database_by_default() -> None:
    # Other checks may report the same address.
    assert set(faults("DATABASE_URL", f"postgres{WEAK}")) == {"task_queue.W002", "task_queue.W003"}
    assert set(faults("DATABASE_URL", f"postgres{WEAK}?sslmode=verify-full")) == {"task_queue.W002"}
    assert "task_queue.W002" in faults("CELERY_BROKER_URL", f"pgmq{WEAK}")


@pytest.mark.parametrize("prefix", ["my-shop", "my.shop", "müsli"])
def test_a_prefix_that_pgmq_would_change_is_refused(prefix: str) -> None:
    said = check(QUEUE_PREFIX=prefix)
    assert said.startswith("ERROR: QUEUE_PREFIX may contain only letters, digits and underscores")
    assert said.count("\n") == 1

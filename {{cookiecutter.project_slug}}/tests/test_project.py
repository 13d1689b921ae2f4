"""Django's checks pass, and the health page reports that tasks run."""

import pytest
from django.core.management import call_command
from django.test import Client

from tests import wait_until


def test_system_checks_pass() -> None:
    call_command("check", "--fail-level", "WARNING")


@pytest.mark.django_db
def test_no_migration_is_missing() -> None:
    call_command("makemigrations", "--check", "--dry-run")


@pytest.mark.usefixtures("worker")
@pytest.mark.django_db(transaction=True)
def test_the_health_page_says_that_tasks_run(client: Client) -> None:
    # A worker that is busy may answer later than the page waits.
    wait_until(lambda: client.get("/health/tasks/").status_code == 200, "a healthy page")

"""The project is sound: Django and the health page say so, and production asks for its settings."""

import os
import subprocess
import sys

import pytest
from django.core.management import call_command
from django.test import Client

from config.env import BASE_DIR
from tests.fixtures import wait_until


def test_django_finds_nothing_to_complain_about() -> None:
    call_command("check", "--fail-level", "WARNING")


@pytest.mark.django_db
def test_no_migration_is_missing() -> None:
    call_command("makemigrations", "--check", "--dry-run")


@pytest.mark.usefixtures("worker")
@pytest.mark.django_db(transaction=True)
def test_the_health_page_says_that_tasks_run(client: Client) -> None:
    # A worker that is busy may answer later than the page waits.
    wait_until(lambda: client.get("/health/tasks/").status_code == 200, "a healthy page")


def test_production_does_not_start_without_its_settings() -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=BASE_DIR,
        env={"DJANGO_SETTINGS_MODULE": "config.settings.production", "HOME": os.devnull},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    assert "ERROR: SECRET_KEY is not set." in done.stderr

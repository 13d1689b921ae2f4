"""A task that would outlast the visibility timeout is found before it runs twice."""

from pathlib import Path

import pytest
from django.test import modify_settings

from config import celery_app
from tests import tasks
from tests.checks import check, found


@pytest.mark.parametrize("limit", ["3600", "0"])
def test_a_project_whose_tasks_may_run_too_long_is_found(limit: str) -> None:
    said = check(CELERY_TASK_TIME_LIMIT=limit, CELERY_VISIBILITY_TIMEOUT="3600")
    assert f"(celery.E001) CELERY_TASK_TIME_LIMIT is {limit}" in said


def test_a_task_of_an_app_that_may_run_too_long_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The project may have an app of any usual name.
    (tmp_path / "app_of_a_test").mkdir()
    (tmp_path / "app_of_a_test" / "__init__.py").touch()
    (tmp_path / "app_of_a_test" / "tasks.py").write_text(
        "from celery import shared_task\n@shared_task(time_limit=3600)\ndef send(): ...\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    with modify_settings(INSTALLED_APPS={"append": "app_of_a_test"}):
        [fault] = found()
    celery_app.tasks.unregister("app_of_a_test.tasks.send")
    assert fault.startswith("celery.E001: The time limit of app_of_a_test.tasks.send is 3600")


def test_a_task_that_leaves_the_broker_when_it_starts_may_run_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tasks.add, "time_limit", 3600)
    monkeypatch.setattr(tasks.add, "acks_late", False)
    assert found() == []


@pytest.mark.parametrize(
    ("options", "seconds"),
    [
        ({"max_retries": None, "retry_backoff_max": 3500}, 3500),
        ({"max_retries": 13, "retry_backoff_max": 3500}, 3500),
        ({"max_retries": 13, "retry_backoff_max": 9999}, 4096),
        ({"retry_backoff": False, "default_retry_delay": 3500}, 3500),
    ],
)
def test_a_retry_that_waits_too_long_is_found(
    options: dict[str, object], seconds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in options.items():
        monkeypatch.setattr(tasks.record, name, value)
    [fault] = found()
    assert fault.startswith(f"celery.W004: tests.tasks.record may wait {seconds} seconds")


def test_a_few_retries_never_wait_as_long_as_they_might(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(celery_app.conf, "task_time_limit", 3400)
    assert tasks.record.retry_backoff_max + 3400 > 3600
    assert found() == []

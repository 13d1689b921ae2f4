"""Django's system checks of settings, apps, schedules and time limits."""

from shutil import rmtree

import pytest
from django.test import override_settings

from config.env import BASE_DIR
from tests.checks import found
from tests.tasks import add


@override_settings(CELERY_TASK_TIMELIMIT=60, CELERYD_CONCURRENCY=2, CELERY_QUUX=True)
def test_settings_that_celery_ignores_are_reported() -> None:
    assert found() == [
        "task_queue.W001: Celery has no setting CELERYD_CONCURRENCY, and ignores it."
        " Did you mean CELERY_WORKER_CONCURRENCY?",
        "task_queue.W001: Celery has no setting CELERY_QUUX, and ignores it. Remove or rename it.",
        "task_queue.W001: Celery has no setting CELERY_TASK_TIMELIMIT, and ignores it."
        " Did you mean CELERY_TASK_TIME_LIMIT?",
    ]


def test_an_app_with_tasks_that_is_not_installed_is_reported() -> None:
    app = BASE_DIR / "app_of_a_test"
    app.mkdir()
    try:
        (app / "tasks.py").touch()
        assert found() == [
            "task_queue.W004: app_of_a_test/tasks.py is in no installed app: workers do not import"
            ' it. Add "app_of_a_test" to INSTALLED_APPS.'
        ]
    finally:
        rmtree(app)


def test_a_soft_time_limit_above_the_hard_one_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(add, "time_limit", 60)
    assert found() == [
        "task_queue.W006: tests.tasks.add has a soft time limit of 300 s, not below its time limit"
        " of 60 s. Lower its soft_time_limit, or CELERY_TASK_SOFT_TIME_LIMIT."
    ]
    monkeypatch.setattr(add, "soft_time_limit", 50)
    assert found() == []

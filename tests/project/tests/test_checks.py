"""What Django's checks find before anything runs."""

from shutil import rmtree

from django.test import override_settings

from config.env import BASE_DIR
from tests.checks import found


@override_settings(CELERY_TASK_TIMELIMIT=60, CELERYD_CONCURRENCY=2, CELERY_QUUX=True)
def test_settings_that_celery_would_ignore_are_found() -> None:
    assert found() == [
        "celery.W003: Celery has no setting CELERYD_CONCURRENCY, and ignores it."
        " Did you mean CELERY_WORKER_CONCURRENCY?",
        "celery.W003: Celery has no setting CELERY_QUUX, and ignores it. Remove or rename it.",
        "celery.W003: Celery has no setting CELERY_TASK_TIMELIMIT, and ignores it."
        " Did you mean CELERY_TASK_TIME_LIMIT?",
    ]


def test_an_app_with_tasks_that_is_not_installed_is_found() -> None:
    app = BASE_DIR / "app_of_a_test"
    app.mkdir()
    try:
        (app / "tasks.py").touch()
        assert found() == [
            "celery.W012: app_of_a_test/tasks.py belongs to no installed app: workers do not see"
            ' it. Add "app_of_a_test" to INSTALLED_APPS.'
        ]
    finally:
        rmtree(app)

"""What Django's checks find before anything runs."""

from django.test import override_settings

from tests.checks import found


@override_settings(CELERY_TASK_TIMELIMIT=60, CELERYD_CONCURRENCY=2, CELERY_QUUX=True)
def test_settings_that_celery_would_ignore_are_found() -> None:
    assert found() == [
        "celery.W003: Celery has no setting CELERYD_CONCURRENCY, and ignores it."
        " Did you mean CELERY_WORKER_CONCURRENCY?",
        "celery.W003: Celery has no setting CELERY_QUUX, and ignores it."
        " Remove it, or call it differently.",
        "celery.W003: Celery has no setting CELERY_TASK_TIMELIMIT, and ignores it."
        " Did you mean CELERY_TASK_TIME_LIMIT?",
    ]

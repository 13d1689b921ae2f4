"""Results that nothing expires are found before they fill the disk."""

import pytest

from config import celery_app
from tests.checks import check, found


def test_results_without_an_age_are_found() -> None:
    assert "(celery.W005) CELERY_RESULT_EXPIRES is 0" in check(CELERY_RESULT_EXPIRES="0")


def test_results_that_never_expire_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(celery_app.conf, "result_expires", None)
    [fault] = found()
    assert fault.startswith("celery.W005: CELERY_RESULT_EXPIRES is None")

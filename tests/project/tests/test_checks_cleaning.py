"""Expired results that nobody removes are found before they fill the disk."""

import pytest

from config import celery_app
from tests.checks import found


def test_workers_that_do_not_clean_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(celery_app.conf, "imports", ["reports.jobs"])
    [fault] = found()
    assert fault.startswith("celery.W006: CELERY_IMPORTS lacks config.cleanup")

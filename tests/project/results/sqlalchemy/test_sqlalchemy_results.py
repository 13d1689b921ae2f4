"""Results that SQLAlchemy cannot store do not keep a worker busy, and reach no log."""

import logging
from typing import Any

import pytest
from celery import Celery
from sqlalchemy.exc import DataError, OperationalError
from sqlalchemy.orm import Session


class Refusing:
    """A stand-in for a database that refuses each commit, at first or for good."""

    def __init__(self, error: type[Exception], times: int) -> None:
        self.error = error
        self.times = times
        self.commits = 0
        self.commit = Session.commit

    def __call__(self, session: Session) -> None:
        self.commits += 1
        if self.commits <= self.times:
            raise self.error("INSERT", {}, Exception("refused"))
        self.commit(session)


def test_a_result_that_does_not_fit_is_not_stored_again_and_again(
    celery: Celery, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As in a worker.
    monkeypatch.setattr(celery.backend, "always_retry", True)
    refusing = Refusing(DataError, times=10)
    monkeypatch.setattr(Session, "commit", lambda session: refusing(session))
    with pytest.raises(DataError):
        celery.backend.store_result("id", "text", "SUCCESS")
    assert refusing.commits == 1


def test_a_result_is_stored_once_the_database_is_back(
    celery: Celery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(celery.backend, "always_retry", True)
    refusing = Refusing(OperationalError, times=2)
    monkeypatch.setattr(Session, "commit", lambda session: refusing(session))
    celery.backend.store_result("id", "kept", "SUCCESS")
    assert refusing.commits == 3
    assert celery.AsyncResult("id").result == "kept"


def test_errors_do_not_show_the_result(celery: Celery, caplog: pytest.LogCaptureFixture) -> None:
    backend: Any = celery.backend
    with caplog.at_level(logging.DEBUG), pytest.raises(Exception) as error:  # noqa: PT011
        # The id is longer than its column, or has a character that a database refuses.
        backend.store_result("\0" + "x" * 200, "sesame", "NO SUCH STATE" * 10)
    assert "sesame" not in str(error.value) + caplog.text

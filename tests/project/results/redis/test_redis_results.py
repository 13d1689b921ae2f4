"""Results in Redis."""

from typing import Any

import pytest
from celery import Celery

from tests import SECONDS
from tests.tasks import add


@pytest.mark.usefixtures("worker")
@pytest.mark.django_db(transaction=True)
def test_sending_a_task_does_not_contact_the_result_backend(
    celery: Celery, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise AssertionError("the result backend was asked for a connection")

    backend: Any = celery.backend
    with monkeypatch.context() as patch:
        patch.setattr(backend.client.connection_pool, "get_connection", fail)
        result = add.delay(2, 3)
    assert result.get(timeout=SECONDS) == 5

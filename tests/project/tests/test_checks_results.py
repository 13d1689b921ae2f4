"""Results that production does not reach safely are found before production starts."""

import pytest

from config.checks.results import check_results
from tests.production import faults

SAFE = "rediss://:unguessable@results.example.com/0"


def test_a_password_and_a_checked_certificate_are_safe() -> None:
    assert faults("CELERY_RESULT_BACKEND", SAFE) == []


@pytest.mark.parametrize(
    ("url", "ids"),
    [
        ("redis://localhost/0", ["celery.W007", "celery.W010"]),
        ("redis://:unguessable@results.example.com/0", ["celery.W008"]),
        (f"{SAFE}?ssl_cert_reqs=none", ["celery.W009"]),
        ("redis+socket:///run/redis.sock", []),
    ],
)
def test_an_address_that_is_not_safe_is_found(
    url: str, ids: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CELERY_RESULT_BACKEND", url)
    assert [message.id for message in check_results()] == ids

"""A broker that production does not reach safely is found before production starts."""

from ssl import CERT_NONE

import pytest

from config import celery_app
from config.checks.broker import check_broker
from tests.production import faults

SCHEME = celery_app.conf.broker_url.partition(":")[0]
SAFE = f"{SCHEME}s://user:unguessable@broker.example.com"


def test_a_password_and_a_checked_certificate_are_safe() -> None:
    assert faults("CELERY_BROKER_URL", SAFE) == []


@pytest.mark.parametrize(
    ("url", "ids"),
    [
        (f"{SCHEME}://localhost", ["celery.W007", "celery.W010"]),
        (f"{SCHEME}://user@broker.example.com", ["celery.W007", "celery.W008"]),
        (f"{SCHEME}://guest:guest@broker.example.com", ["celery.W007", "celery.W008"]),
        (f"{SCHEME}s://user:changeme@broker.example.com", ["celery.W007", "celery.W009"]),
        (f"{SAFE}?ssl_cert_reqs=none", ["celery.W009"]),
        (f"{SCHEME}://user:unguessable@one.example.com;{SAFE}", ["celery.W008", "celery.W009"]),
    ],
)
def test_an_address_that_is_not_safe_is_found(
    url: str, ids: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CELERY_BROKER_URL", url)
    assert [message.id for message in check_broker()] == ids


@pytest.mark.parametrize(
    "options",
    [{"cert_reqs": CERT_NONE}, {"ssl_cert_reqs": "none"}, {"ssl_check_hostname": False}],
)
def test_a_certificate_that_nobody_checks_is_found(
    options: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CELERY_BROKER_URL", SAFE)
    monkeypatch.setitem(celery_app.conf, "broker_use_ssl", options)
    assert [message.id for message in check_broker()] == ["celery.W009"]

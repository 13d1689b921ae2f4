"""A stand-in for Amazon SQS is found before production sends its tasks there."""

import pytest

from tests.production import faults


@pytest.mark.parametrize(
    ("url", "ids"),
    [("sqs://", []), ("sqs://test:test@localhost:9324", ["celery.W007", "celery.W010"])],
)
def test_an_address_that_is_not_amazon_s_is_found(url: str, ids: list[str]) -> None:
    assert faults("CELERY_BROKER_URL", url) == ids

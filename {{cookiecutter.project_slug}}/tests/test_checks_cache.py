"""A cache that only one process sees is found before results vanish in it."""

import pytest

from tests.checks import check


@pytest.mark.parametrize("url", ["locmemcache://", "dummycache://"])
def test_a_cache_that_is_not_shared_is_found(url: str) -> None:
    assert "(celery.E002) The cache 'default'" in check(CACHE_URL=url)

"""A cache that only one process sees, or that holds few, is found before results vanish in it."""

from pathlib import Path

import pytest

from tests.checks import check


@pytest.mark.parametrize("url", ["locmemcache://", "dummycache://"])
def test_a_cache_that_is_not_shared_is_found(url: str) -> None:
    assert "(celery.E002) The cache 'default'" in check(CACHE_URL=url)


def test_a_cache_that_holds_few_results_is_found(tmp_path: Path) -> None:
    for url in ("dbcache://cache", f"filecache://{tmp_path}"):
        assert "(celery.W011) The cache 'default' holds 300 results" in check(CACHE_URL=url)
        assert "celery.W011" not in check(CACHE_URL=f"{url}?max_entries=100000")

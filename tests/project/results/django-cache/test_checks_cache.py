"""Checks for a cache that would lose results."""

from pathlib import Path

import pytest
from pytest_django import Settings

from config.env import env
from tests.checks import found


@pytest.mark.parametrize("url", ["locmemcache://", "dummycache://"])
def test_a_cache_that_is_not_shared_is_reported(url: str, settings: Settings) -> None:
    settings.CACHES = {"default": env.cache_url_config(url)}
    [fault] = found()
    assert fault.startswith("task_queue.E001: The cache 'default' is local to each process")


def test_a_cache_that_holds_few_results_is_reported(tmp_path: Path, settings: Settings) -> None:
    for url in ("dbcache://cache", f"filecache://{tmp_path}"):
        settings.CACHES = {"default": env.cache_url_config(url)}
        [fault] = found()
        assert fault.startswith("task_queue.W007: The cache 'default' holds at most 300 results")
        settings.CACHES = {"default": env.cache_url_config(f"{url}?max_entries=100000")}
        assert found() == []

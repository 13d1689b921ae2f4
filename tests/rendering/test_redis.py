"""Redis or Valkey, in containers and in Kubernetes."""

from functools import partial
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.helpers.rendered import Composed, Word, needs
from tools.combinations import Combination

# One process renders everything, to reuse compiled templates.
pytestmark = pytest.mark.xdist_group("rendering")

WORD = Word(r"(?i)valkey", partial(needs, "redis"))


def test_redis_keeps_each_task(composed: list[Composed]) -> None:
    servers = [found["redis"] for _, *both in composed for found in both if "redis" in found]
    assert servers
    for server in servers:
        assert [volume["target"] for volume in server["volumes"]] == ["/data"]
        command = " ".join(server["command"])
        assert "--appendonly yes --maxmemory-policy noeviction" in command


def test_in_production_processes_have_the_password_of_redis(composed: list[Composed]) -> None:
    found = [production for _, _, production in composed if "redis" in production]
    assert found
    for production in found:
        given = production["worker"]["environment"]
        *_, wanted = production["redis"]["command"]
        urls = {given.get("CELERY_BROKER_URL"), given.get("CELERY_RESULT_BACKEND")}
        assert wanted in {urlsplit(url).password for url in urls if url}
        assert production["redis"]["environment"]["VALKEYCLI_AUTH"] == wanted


def test_keda_counts_the_tasks_of_each_priority(
    deployed: list[tuple[Combination, list[Any]]],
) -> None:
    # Kombu has one list for each priority.
    steps = ["", "\x06\x163", "\x06\x166", "\x06\x169"]
    scaled = [
        item["spec"]["triggers"]
        for answers, objects in deployed
        for item in objects
        if answers["broker"] == "redis" and item["kind"] == "ScaledObject"
    ]
    assert scaled
    for triggers in scaled:
        lists = [trigger["metadata"]["listName"] for trigger in triggers]
        assert lists == [f"{lists[0]}{step}" for step in steps]

"""Tests leave queued tasks in Redis alone."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import redis

from tests.helpers.apart import USERS, develop, shell
from tests.helpers.make import run
from tools.servers.redis import Redis
from tools.servers.server import HOST
from tools.trial.processes import python

# The tests share one project.
pytestmark = pytest.mark.xdist_group("apart")


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    with Redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.mark.parametrize(
    "name", ["db.sqlite3?timeout=30", pytest.param("shop_test", marks=pytest.mark.exhaustive)]
)
def test_tests_leave_the_database_file_and_redis_untouched(
    name: str, project: Path, broker: Redis
) -> None:
    variables = {
        "DATABASE_URL": f"sqlite:///{name}",
        # A development prefix may end in "_test", too.
        "QUEUE_PREFIX": "shop_test",
        "CELERY_BROKER_URL": f"redis://{HOST}:{broker.port}/0",
        "CELERY_RESULT_BACKEND": f"redis://{HOST}:{broker.port}/0",
    }
    with closing(redis.Redis(HOST, broker.port)) as client:
        client.flushall()
        develop(project, **variables)
        # Wake-ups for workers expire after a minute.
        lasting = [key for key in client.scan_iter() if client.ttl(key) < 0]
        before = {key: client.dump(key) for key in lasting}
        run(project, python(project), "-m", "pytest", "tests/test_probe.py", **variables)
        after = {key: client.dump(key) for key in client.scan_iter()}
    assert any(b"default" in key for key in before)
    assert before.items() <= after.items()
    assert shell(project, USERS, **variables) == "ada\n"

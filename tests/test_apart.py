"""A project's tests leave the database and the queues of its development alone."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
import redis
from psycopg.sql import SQL, Identifier

from tests.helpers.make import run
from tools.generate import generate
from tools.process import inherited
from tools.servers.postgresql import PostgreSQL
from tools.servers.redis import Redis
from tools.servers.server import HOST
from tools.services import create_database
from tools.trial.processes import python

# What the project's own tests do, too: a worker has the same database, and so have other processes.
PROBE = """
import subprocess
import sys

import pytest
from django.db import connection

from config.env import BASE_DIR
from tests.fixtures import Process
from tests.tasks import add

NAME = "from django.db import connection; print(connection.settings_dict['NAME'])"


@pytest.mark.django_db(transaction=True)
def test_a_task_runs(worker: Process) -> None:
    assert add.delay(2, 3).get(timeout=60) == 5
    command = [sys.executable, "manage.py", "shell", "--verbosity", "0", "--command", NAME]
    name = subprocess.check_output(command, cwd=BASE_DIR, text=True)
    assert name.strip() == str(connection.settings_dict["NAME"])
"""
# A user, and a task that waits for a worker.
BEGIN = """
from django.contrib.auth import get_user_model
from task_queue.doctor import answer

get_user_model().objects.create_user("ada")
answer.delay("00000000-0000-0000-0000-000000000000")
"""
USERS = """
from django.contrib.auth import get_user_model

print(*get_user_model().objects.values_list("username", flat=True))
"""
URL = f"postgres://postgres:postgres@{HOST}:1/"


def make_project(answers: dict[str, str | bool], folder: Path) -> Path:
    project = generate({"demo": False, "flower": False, "ci": "none", **answers}, folder)
    (project / "tests/test_probe.py").write_text(PROBE)
    run(project, "uv", "sync", "--quiet")
    return project


def shell(project: Path, code: str, **variables: str) -> str:
    """Run code in a project, with its settings for development; return what it prints."""
    command = [python(project), "manage.py", "shell", "--verbosity", "0", "--command", code]
    return subprocess.check_output(command, cwd=project, env=os.environ | variables, text=True)


def develop(project: Path, **variables: str) -> None:
    """Give development what its tests must leave alone."""
    run(project, python(project), "manage.py", "migrate", "--verbosity", "0", **variables)
    shell(project, BEGIN, **variables)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_project({}, tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    with Redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.mark.parametrize("name", ["db.sqlite3?timeout=30", "shop_test"])
def test_a_file_and_what_waits_in_redis_stay(name: str, project: Path, broker: Redis) -> None:
    variables = {
        "DATABASE_URL": f"sqlite:///{name}",
        # As a name may end in development, too.
        "QUEUE_PREFIX": "shop_test",
        "CELERY_BROKER_URL": f"redis://{HOST}:{broker.port}/0",
        "CELERY_RESULT_BACKEND": f"redis://{HOST}:{broker.port}/0",
    }
    with closing(redis.Redis(HOST, broker.port)) as client:
        client.flushall()
        develop(project, **variables)
        before = {key: client.dump(key) for key in client.scan_iter()}
        run(project, python(project), "-m", "pytest", "tests/test_probe.py", **variables)
        after = {key: client.dump(key) for key in client.scan_iter()}
    assert any(b"default" in key for key in before)
    assert before.items() <= after.items()
    assert shell(project, USERS, **variables) == "ada\n"


@pytest.fixture(scope="module")
def in_postgresql(tmp_path_factory: pytest.TempPathFactory) -> Path:
    answers: dict[str, str | bool] = {
        "broker": "pgmq",
        "database": "postgresql",
        "result_backend": "sqlalchemy",
    }
    return make_project(answers, tmp_path_factory.mktemp("in_postgresql"))


@pytest.mark.exhaustive
def test_a_database_its_queues_and_its_results_stay(in_postgresql: Path, tmp_path: Path) -> None:
    project = in_postgresql
    with PostgreSQL(tmp_path / "postgresql") as server:
        address = f"postgres:postgres@{HOST}:{server.port}"
        urls = {
            "shop": f"postgres://{address}/shop?application_name=web",
            "shop_test": f"postgres:///shop_test?host={HOST}&port={server.port}&user=postgres",
        }
        for name, url in urls.items():
            create_database(server, name)
            variables = {"DATABASE_URL": url, "QUEUE_PREFIX": "shop_test"}
            if name == "shop":
                variables["CELERY_RESULT_BACKEND"] = url.replace("postgres", "db+postgresql", 1)
            develop(project, **variables)
            before = content(server, name)
            assert before["q_shop_test_default"] == before["accounts_user"] == 1
            run(project, python(project), "-m", "pytest", "tests/test_probe.py", **variables)
            assert content(server, name) == before


def content(server: PostgreSQL, name: str) -> dict[str, int]:
    """Return how many rows each table of a database has."""
    tables = "SELECT table_schema, table_name FROM information_schema.tables"
    own = "WHERE table_type = 'BASE TABLE' AND table_schema IN ('public', 'pgmq')"
    with psycopg.connect(f"host={HOST} port={server.port} user=postgres dbname={name}") as database:
        count = SQL("SELECT count(*) FROM {}")
        return {
            table: database.execute(count.format(Identifier(schema, table))).fetchall()[0][0]
            for schema, table in database.execute(f"{tables} {own}").fetchall()
        }


@pytest.mark.parametrize(
    "url",
    ["sqlite://", f"{URL}shop?dbname=shop"],
)
def test_where_the_database_would_be_that_of_development_nothing_is_opened(
    url: str, project: Path
) -> None:
    refused = subprocess.run(
        [python(project), "-m", "pytest", "tests/test_probe.py"],
        cwd=project,
        env=inherited() | {"DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=False,
    )
    assert refused.returncode
    (line,) = (refused.stdout + refused.stderr).splitlines()
    assert line.startswith("ERROR: ")


@pytest.mark.exhaustive
def test_queues_elsewhere_are_reached_by_their_own_address_alone(in_postgresql: Path) -> None:
    asked = "from django.conf import settings; print(settings.CELERY_BROKER_TRANSPORT_OPTIONS)"
    said = shell(
        in_postgresql,
        asked,
        DATABASE_URL="postgres:///shop?host=db.example.com",
        CELERY_BROKER_URL="pgmq://user@queues.example.com/queues?sslmode=verify-full",
    )
    assert "postgresql://user@queues.example.com/queues?" in said
    assert "&sslmode=verify-full'" in said
    assert "db.example.com" not in said

"""Tests leave data and queues in PostgreSQL alone, including those of other projects."""

import os
import subprocess
from pathlib import Path

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from tests.helpers.apart import develop, make_project, shell
from tests.helpers.make import run
from tools.servers.postgresql import PostgreSQL
from tools.servers.server import HOST
from tools.trial.processes import python


@pytest.fixture(scope="module")
def in_postgresql(tmp_path_factory: pytest.TempPathFactory) -> Path:
    answers: dict[str, str | bool] = {
        "broker": "pgmq",
        "database": "postgresql",
        "result_backend": "sqlalchemy",
    }
    return make_project(answers, tmp_path_factory.mktemp("in_postgresql"))


@pytest.mark.exhaustive
def test_tests_leave_database_queues_and_results_untouched(
    in_postgresql: Path, tmp_path: Path
) -> None:
    project = in_postgresql
    with PostgreSQL(tmp_path / "postgresql") as server:
        address = f"postgres:postgres@{HOST}:{server.port}"
        urls = {
            "shop": f"postgres://{address}/shop?application_name=web",
            "shop_test": f"postgres:///shop_test?host={HOST}&port={server.port}&user=postgres",
        }
        for name, url in urls.items():
            server.create_database(name)
            variables = {"DATABASE_URL": url, "QUEUE_PREFIX": "shop_test"}
            if name == "shop":
                variables["CELERY_RESULT_BACKEND"] = url.replace("postgres", "db+postgresql", 1)
            develop(project, **variables)
            before = content(server, name)
            assert before["q_shop_test_default"] == before["accounts_user"] == 1
            run(project, python(project), "-m", "pytest", "tests/test_probe.py", **variables)
            assert content(server, name) == before


@pytest.mark.exhaustive
def test_projects_share_a_database(in_postgresql: Path, tmp_path: Path) -> None:
    project = in_postgresql
    with PostgreSQL(tmp_path / "postgresql") as server:
        server.create_database("shop")
        url = f"postgres://postgres@{HOST}:{server.port}/shop"
        first = {"DATABASE_URL": url, "QUEUE_PREFIX": "shop"}
        develop(project, **first)
        own = {name: count for name, count in content(server, "shop").items() if "shop" in name}
        with psycopg.connect(url) as database:
            database.execute("CREATE SCHEMA second")
        # Both names have the same prefix.
        options = {"DATABASE_URL": f"{url}?options=-csearch_path%3Dsecond"}
        second = {**options, "QUEUE_PREFIX": "shop_2"}
        develop(project, **second)
        assert content(server, "shop")["q_shop_2_default"] == 1
        migrate = (python(project), "manage.py", "migrate", "--verbosity", "0", "pgmq_schema")
        run(project, *migrate, "zero", **second)
        left = content(server, "shop")
        assert {name: count for name, count in left.items() if "shop" in name} == own
        with psycopg.connect(url) as database:
            database.execute("ALTER TYPE pgmq.message_record DROP ATTRIBUTE last_read_at CASCADE")
        environment = os.environ | second
        refused = subprocess.run(
            migrate, cwd=project, env=environment, capture_output=True, text=True, check=False
        )
        assert refused.stderr.startswith("CommandError: The database has a PGMQ that is older")
        assert refused.stderr.count("\n") == 1


def content(server: PostgreSQL, name: str) -> dict[str, int]:
    """Return the number of rows of each table."""
    tables = "SELECT table_schema, table_name FROM information_schema.tables"
    own = "WHERE table_type = 'BASE TABLE' AND table_schema IN ('public', 'pgmq')"
    with psycopg.connect(f"host={HOST} port={server.port} user=postgres dbname={name}") as database:
        count = SQL("SELECT count(*) FROM {}")
        return {
            table: database.execute(count.format(Identifier(schema, table))).fetchall()[0][0]
            for schema, table in database.execute(f"{tables} {own}").fetchall()
        }


@pytest.mark.exhaustive
def test_queues_in_another_database_use_its_address_only(in_postgresql: Path) -> None:
    asked = "from django.conf import settings; print(settings.CELERY_BROKER_TRANSPORT_OPTIONS)"
    said = shell(
        in_postgresql,
        asked,
        DATABASE_URL="postgres:///shop?host=db.example.com",
        CELERY_BROKER_URL="pgmq://user@queues.example.com/queues?sslmode=verify-full",
    )
    assert "postgresql://user:@queues.example.com/queues?" in said
    assert "&sslmode=verify-full&host=queues.example.com'" in said
    assert "db.example.com" not in said

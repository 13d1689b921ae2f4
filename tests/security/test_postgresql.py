"""Access rights in PostgreSQL."""

import json
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from tools.generate import generate
from tools.servers.postgresql import PostgreSQL
from tools.servers.server import HOST


@pytest.mark.exhaustive
def test_in_containers_the_application_owns_its_database_and_is_not_a_superuser(
    tmp_path: Path,
) -> None:
    project = generate({"database": "postgresql"}, tmp_path)
    files = ("--file", "compose.yaml", "--file", "compose.prod.yaml")
    command = ("docker-compose", *files, "config", "--format", "json")
    composed = json.loads(subprocess.check_output(command, cwd=project))
    script = composed["configs"]["postgresql"]["content"]
    user = urlsplit(composed["services"]["web"]["environment"]["DATABASE_URL"]).username
    with PostgreSQL(tmp_path / "postgresql") as server:
        server.create_database(project.name)
        database = f"host={HOST} port={server.port} dbname={project.name}"
        with psycopg.connect(f"{database} user=postgres") as connection:
            connection.execute(script)
        with psycopg.connect(f"{database} user={user}") as connection:
            connection.execute("CREATE SCHEMA queues")
            connection.execute("CREATE TABLE things ()")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute("CREATE ROLE another")

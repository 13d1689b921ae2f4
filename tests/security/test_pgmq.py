"""Connections to queues in PostgreSQL are as secure as those to the database."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.helpers.make import run
from tests.helpers.secure import SECURE, certify
from tools.generate import generate
from tools.servers.server import HOST
from tools.trial.processes import python

ASK = """
import config, django
django.setup()
with config.celery_app.connection_for_write() as broker:
    broker.ensure_connection(max_retries=0)
    with broker.default_channel.pgmq.pool.connection() as connection:
        print(bool(connection.pgconn.ssl_in_use))
"""


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", [HOST, "example.com"])
def test_queues_in_postgresql_need_a_valid_certificate(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "servers"
    folder.mkdir()
    certificate = certify(name, folder)
    project = generate(
        {"broker": "pgmq", "database": "postgresql", "flower": False, "demo": False}, tmp_path
    )
    run(project, "uv", "sync", "--quiet")
    with SECURE["postgresql"](tmp_path / "postgresql", certificate) as server:
        server.create_database(project.name)
        url = f"postgres://postgres:postgres@{HOST}:{server.port}/{project.name}"
        run(project, "uv", "run", "manage.py", "migrate", "--verbosity", "0", DATABASE_URL=url)
        tls = f"{url}?sslmode=verify-full&sslrootcert={folder / 'authority.pem'}"
        asked = subprocess.run(
            [python(project), "-c", ASK],
            cwd=project,
            env=os.environ | {"DATABASE_URL": tls},
            capture_output=True,
            text=True,
            check=False,
        )
    assert (asked.stdout == "True\n") == (name == HOST), asked.stderr
    assert name == HOST or "certificate" in asked.stderr

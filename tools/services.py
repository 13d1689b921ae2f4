"""Which servers a project needs, and how it finds them."""

import re
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg.sql import SQL, Identifier

from tools.generate import Answers, facts
from tools.servers import SERVERS, Server
from tools.servers.server import HOST


def chosen(answers: Answers) -> dict[str, Any]:
    """Return what the template knows of each choice that has a file: the broker, Django, and more.

    Each is the module of its file in templates/. Questions without an answer take their default.
    """
    found = facts(answers)
    return {
        "broker": found.broker,
        "result_backend": found.result,
        "database": found.database,
        "scheduler": found.scheduler,
        "django": found.django,
        "observability": found.observability,
    }


def services(answers: Answers) -> list[str]:
    """Return the servers that a project with these answers needs, as `SERVERS` names them."""
    return [service.name for service in facts(answers).services]


@contextmanager
def serve(project: Path, answers: Answers, folder: Path) -> Iterator[list[Server]]:
    """Run the servers that a project with these answers needs, in folder, and have it use them."""
    with ExitStack() as stack:
        servers = [SERVERS[name](folder / f"{name}-server") for name in services(answers)]
        for server in servers:
            stack.enter_context(server)
            if server.name == "postgresql":
                create_database(server, project.name)
        point_at(project, servers)
        yield servers


def point_at(project: Path, servers: Iterable[Server]) -> None:
    """Make a project that was just generated use these servers, by what stands in its .env."""
    env = project / ".env"
    text = env.read_text(encoding="utf-8")
    for server in servers:
        text = text.replace(f"localhost:{server.default_port}", f"{HOST}:{server.port}")
    env.write_text(text, encoding="utf-8")


def read_env(project: Path) -> dict[str, str]:
    """Return the variables that a project's .env sets."""
    text = (project / ".env").read_text(encoding="utf-8")
    return dict(re.findall(r"^([A-Z_]+)=(.*)$", text, re.MULTILINE))


def create_database(server: Server, name: str) -> None:
    """Make an empty database on a PostgreSQL server that runs."""
    url = f"postgresql://postgres@{HOST}:{server.port}/postgres"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))

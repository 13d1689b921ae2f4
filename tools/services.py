"""Which servers a project needs, and how it finds them."""

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
from jinja2 import Environment, FileSystemLoader
from psycopg.sql import SQL, Identifier

from tools.generate import ROOT, Answers, choices
from tools.servers import Server
from tools.servers.server import HOST

FOLDERS = {
    "broker": "brokers",
    "result_backend": "results",
    "database": "databases",
    "scheduler": "schedulers",
    "django": "django",
    "observability": "observability",
}


def chosen(answers: Answers) -> dict[str, Any]:
    """Return what the template knows of each choice that has a file: the broker, Django, and more.

    Each is the module of its file in templates/. Questions without an answer take their default.
    """
    defaults = {key: allowed[0] for key, allowed in choices().items() if allowed}
    complete = {**defaults, **answers}
    context = {"cookiecutter": complete}
    return {
        key: _templates().get_template(f"{folder}/{complete[key]}.jinja").make_module(context)
        for key, folder in FOLDERS.items()
    }


def services(answers: Answers) -> list[str]:
    """Return the servers that a project with these answers needs, as `SERVERS` names them."""
    choice = chosen(answers)
    parts = choice["broker"], choice["result_backend"], choice["database"]
    return list(dict.fromkeys(service for part in parts for service in part.services))


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


@cache
def _templates() -> Environment:
    return Environment(
        block_start_string="# {%",
        loader=FileSystemLoader(ROOT / "templates"),
        autoescape=False,
    )

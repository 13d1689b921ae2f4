"""The servers that a project needs, and the addresses in its .env."""

import re
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tools.generate import Answers, facts
from tools.servers import SERVERS, Server
from tools.servers.server import HOST


def chosen(answers: Answers) -> dict[str, Any]:
    """Return the facts of each choice that has a file in templates/, by its question.

    Each is the Jinja module of that file. Questions without an answer take their default.
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
    """Run the servers that a project with these answers needs, and write them into its .env."""
    with ExitStack() as stack:
        servers = [SERVERS[name](folder / f"{name}-server") for name in services(answers)]
        for server in servers:
            stack.enter_context(server)
            server.create_database(project.name)
        point_at(project, servers)
        yield servers


def point_at(project: Path, servers: Iterable[Server]) -> None:
    """Write the addresses of servers into the .env of a new project."""
    env = project / ".env"
    text = env.read_text(encoding="utf-8")
    for server in servers:
        text = text.replace(f"localhost:{server.default_port}", f"{HOST}:{server.port}")
    env.write_text(text, encoding="utf-8")


def read_env(project: Path) -> dict[str, str]:
    """Return the variables that a project's .env sets."""
    text = (project / ".env").read_text(encoding="utf-8")
    return dict(re.findall(r"^([A-Z_]+)=(.*)$", text, re.MULTILINE))

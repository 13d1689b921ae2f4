"""Redis Sentinel, which clients ask for the address of the primary."""

from collections.abc import Iterable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import redis

from tools.servers.redis import Redis
from tools.servers.server import HOST

# The name of the primary.
NAME = "shop"
PASSWORD = "of the Sentinels"


class Sentinel(Redis):
    """A Sentinel that monitors a Redis server."""

    def __init__(self, folder: Path, port: int, options: Iterable[str] = ()) -> None:
        super().__init__(folder)
        self._lines = [
            f"port {self.port}",
            f'requirepass "{PASSWORD}"',
            f"sentinel monitor {NAME} {HOST} {port} 1",
            f"sentinel down-after-milliseconds {NAME} 1000",
            *options,
        ]

    def command(self) -> list[str]:
        config = self.folder / "sentinel.conf"
        config.write_text("\n".join(self._lines))
        return [self._binary, str(config), "--sentinel"]

    def answers(self) -> bool:
        return bool(ask(self.port, PASSWORD, "PING"))

    def has_a_replica(self) -> bool:
        """Return whether the primary has a replica."""
        return bool(ask(self.port, PASSWORD, "SENTINEL REPLICAS", NAME))


def ask(port: int, password: str, *command: str) -> object:
    """Return a server's answer, or None without one."""
    client: Any = redis.Redis(HOST, port, password=password)
    with closing(client), suppress(redis.RedisError):
        return client.execute_command(*command)
    return None

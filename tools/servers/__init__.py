"""Real servers for the tests, each on a free port of 127.0.0.1 with a folder of its own."""

import pkgutil
from importlib import import_module

from tools.servers.server import MissingServer, Server

__all__ = ["SERVERS", "MissingServer", "Server"]

for module in pkgutil.iter_modules(__path__, f"{__name__}."):
    import_module(module.name)

# Each module in this folder defines one server.
SERVERS: dict[str, type[Server]] = {server.name: server for server in Server.__subclasses__()}

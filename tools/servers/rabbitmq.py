"""RabbitMQ."""

import os
import re
import shutil
from pathlib import Path

from tools.servers.server import HOST, MissingServer, Server, ask

# Debian's wrapper on PATH requires the user rabbitmq; the script that it wraps does not.
PROGRAMS = ("/usr/lib/rabbitmq/bin/rabbitmq-server", "rabbitmq-server")

NODE = "rabbit@localhost"

# A single node with a fixed name needs no epmd, which would keep running after the node stops.
# RabbitMQ still looks up its own distribution port once, so set any number.
ALONE = f"-sname {NODE} -start_epmd false -dist_listen false -erl_epmd_port 1"

AMQP_HEADER = b"AMQP\x00\x00\x09\x01"
CONNECTION_START = b"\x01\x00\x00"


class RabbitMQ(Server):
    """A RabbitMQ node without plugins; its user is guest, with password guest."""

    name = "rabbitmq"
    default_port = 5672

    def __init__(self, folder: Path) -> None:
        self._program = _program()
        super().__init__(folder)

    def command(self) -> list[str]:
        return [self._program]

    def environment(self) -> dict[str, str]:
        return {
            "HOME": str(self.folder),
            "RABBITMQ_NODENAME": NODE,
            "RABBITMQ_NODE_IP_ADDRESS": HOST,
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self.folder),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_CONF_ENV_FILE": os.devnull,
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(self.folder / "advanced"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "plugins"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": ALONE,
            # Makes the script `exec` the server, instead of waiting for it as its parent.
            "RUNNING_UNDER_SYSTEMD": "true",
        }

    def version(self) -> str:
        log = self.log.read_text(errors="replace")
        found = re.search(r"RabbitMQ (\d+(\.\d+)+)", log)
        return f"RabbitMQ {found.group(1) if found else '?'}"

    def answers(self) -> bool:
        return ask(self.port, AMQP_HEADER).startswith(CONNECTION_START)


def _program() -> str:
    """Return the path of the script that starts RabbitMQ."""
    for program in PROGRAMS:
        if found := shutil.which(program):
            return found
    raise MissingServer(
        "RabbitMQ is not installed: run `apt-get install rabbitmq-server`, "
        "or see https://www.rabbitmq.com/docs/download"
    )

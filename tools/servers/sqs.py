"""Amazon SQS, simulated by moto."""

import sys
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from tools.servers.server import HOST, MissingServer, Server, ask

LIST_QUEUES = b"GET /?Action=ListQueues HTTP/1.0\r\nHost: sqs.us-east-1.amazonaws.com\r\n\r\n"


class SQS(Server):
    """A moto server. It accepts any credentials, and keeps its data in memory only."""

    name = "sqs"
    default_port = 9324
    durable = False
    answers_late = True

    def __init__(self, folder: Path) -> None:
        if not (find_spec("moto") and find_spec("flask")):
            raise MissingServer(
                "moto is not installed: run `pip install 'moto[server]'`, "
                "or see https://docs.getmoto.org/en/latest/docs/server_mode.html"
            )
        super().__init__(folder)

    def command(self) -> list[str]:
        return [sys.executable, "-m", "moto.server", "-H", HOST, "-p", str(self.port)]

    def version(self) -> str:
        return f"moto {version('moto')}"

    def answers(self) -> bool:
        return b" 200 " in ask(self.port, LIST_QUEUES)

"""RabbitMQ with TLS."""

from pathlib import Path

from tools.servers.rabbitmq import RabbitMQ
from tools.servers.server import HOST, free_port


class Secure(RabbitMQ):
    """A RabbitMQ server with an additional port for TLS."""

    def __init__(self, folder: Path, certificate: list[Path]) -> None:
        super().__init__(folder)
        self.tls_port = free_port()
        chain, key = certificate
        (folder / "rabbitmq.conf").write_text(
            f"listeners.ssl.1 = {HOST}:{self.tls_port}\n"
            f"ssl_options.certfile = {chain}\n"
            f"ssl_options.keyfile = {key}\n"
        )

    def secure_url(self) -> str:
        return f"amqps://guest:guest@{HOST}:{self.tls_port}//"

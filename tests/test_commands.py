"""Commands and health checks of the image, of compose and of Kubernetes.

They run outside a container, with other folders, ports and host names.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import pytest
import yaml

from tests.helpers.dockerfile import BUILD, dockerfile, instruction
from tests.helpers.make import run
from tests.helpers.programs import KUBECTL, need
from tests.test_wiring import StartServers, start_servers
from tools.generate import choices, generate
from tools.process import Process
from tools.progress import STUCK_SECONDS
from tools.servers.server import HOST, free_port
from tools.services import chosen, point_at, read_env, services

__all__ = ["start_servers"]

PRODUCTION = ("--file", "compose.yaml", "--file", "compose.prod.yaml")
# In seconds. Older than any health check allows.
LONG_AGO = 600


class Image:
    """A project with its Dockerfile and the environment of production."""

    def __init__(self, project: Path, folder: Path) -> None:
        self.project = project
        self.folder = folder
        self.web, self.flower = free_port(), free_port()
        (folder / "data").mkdir(parents=True)
        own = {
            "PATH": f"{project / '.venv/bin'}:{os.environ['PATH']}",
            "ALLOWED_HOSTS": "example.com",
            "FLOWER_PORT": str(self.flower),
            "MEDIA_ROOT": str(folder / "data" / "media"),
            # Celery warns about running as root.
            "PYTHONWARNINGS": "ignore",
        }
        names = r"(DJANGO_SETTINGS_MODULE|REMAP_SIGTERM)=(\S+)"
        given = dict(re.findall(names, dockerfile(project)))
        self.environment = read_env(project) | given | own

    def here(self, command: list[str], name: str) -> list[str]:
        """Return a process's command with folders and ports of this machine."""
        others = {
            "/data": str(self.folder / "data"),
            "/tmp/alive": str(self.alive(name)),
            "/tmp/": f"{self.folder}/{name}-",
            ":8000": f":{self.web}",
            ":5555": f":{self.flower}",
        }
        pattern = "|".join(others)
        return [re.sub(pattern, lambda found: others[found[0]], word) for word in command]

    def alive(self, name: str) -> Path:
        return self.folder / f"{name}-alive"

    def run(self, command: list[str], name: str = "") -> bool:
        """Return whether a command succeeds."""
        log = self.folder / "commands.log"
        words = self.here(command, name)
        with Process(self.project, words, log=log, env=self.environment) as process:
            return process.finish() == 0

    def process(self, command: list[str], name: str) -> "Started":
        if "worker" in command:
            # In production, each worker has its own host name.
            command = [*command, "--hostname", f"{name}@%h"]
        return Started(
            self.project,
            self.here(command, name),
            log=self.folder / f"{name}.log",
            env=self.environment | {"ALIVE_FILE": str(self.alive(name))},
        )


class Started(Process):
    """A process of the image."""

    def end(self) -> None:
        """Send SIGTERM as Docker and Kubernetes do, and check the exit code."""
        self.send_signal(signal.SIGTERM)
        assert self.finish() == 0, self.said()

    def logged(self) -> list[str]:
        """Return the log lines. Celery prints its shutdown messages past the logging."""
        lines = self.said().splitlines()
        return [line for line in lines if line and not line.startswith("worker: ")]


def answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=STUCK_SECONDS) as response:
            return bool(response.status == 200)
    except URLError:
        return False


def composed(project: Path) -> dict[str, dict[str, Any]]:
    """Return the services in production as compose reads them."""
    command = ["docker-compose", *PRODUCTION, "config", "--format", "json"]
    found: dict[str, Any] = json.loads(subprocess.check_output(command, cwd=project))["services"]
    return found


def deployed(project: Path) -> dict[str, dict[str, Any]]:
    """Return the pods in production by the name of their deployment or job."""
    overlay = project / "deploy" / "kubernetes" / "overlays" / "production"
    text = subprocess.check_output(["kubectl", "kustomize", overlay], text=True)
    return {
        item["metadata"]["name"]: item["spec"]["template"]["spec"]
        for item in yaml.safe_load_all(text)
        if item["kind"] in ("Deployment", "Job")
    }


def brokers() -> Iterator[Any]:
    first, *others = choices()["broker"]
    yield first
    for broker in others:
        yield pytest.param(broker, marks=pytest.mark.exhaustive)


@pytest.fixture(params=brokers())
def image(
    request: pytest.FixtureRequest, start_servers: StartServers, tmp_path: Path
) -> Iterator[Image]:
    need("kubectl", KUBECTL)
    given = {
        "project_slug": f"commands_{request.param}",
        "broker": request.param,
        "database": "postgresql",
        "result_backend": "django-cache",
        "kubernetes": True,
        "flower": chosen({"broker": request.param})["broker"].events,
    }
    project = generate(given, tmp_path)
    servers = start_servers(services(given))
    point_at(project, servers)
    for server in servers:
        server.create_database(str(given["project_slug"]))
    run(project, "uv", "sync", "--quiet")
    yield Image(project, tmp_path / "run")
    shutil.rmtree(project)


@pytest.mark.exhaustive
def test_the_commands_of_containers_run_and_their_health_checks_work(image: Image) -> None:
    compose, pods = composed(image.project), deployed(image.project)
    assert image.run(["sh", "-c", instruction(image.project, BUILD)])
    assert (image.project / "staticfiles" / "staticfiles.json").exists()

    # All other processes wait for the migrations.
    (migrated,) = pods["web"]["initContainers"]
    once = [word.replace("until ", "").partition(";")[0] for word in migrated["command"]]
    assert not image.run(once)
    assert image.run(compose["migrate"]["command"])
    assert image.run(pods["migrate"]["containers"][0]["command"])
    assert image.run(migrated["command"])

    web = json.loads(instruction(image.project, r"^CMD (\[.*\])"))
    healthy = json.loads(instruction(image.project, r"^HEALTHCHECK .* CMD (\[.*\])"))
    with ExitStack() as stack:
        started = {"web": stack.enter_context(image.process(web, "web"))}
        checks = {"web": healthy}
        for name in compose.keys() & {"worker", "beat", "flower"}:
            started[name] = stack.enter_context(image.process(compose[name]["command"], name))
            checks[name] = shell(compose[name]["healthcheck"]["test"])
        for name in pods.keys() - {"migrate", "web", "flower"}:
            (container,) = pods[name]["containers"]
            name = f"pod-{name}"
            started[name] = stack.enter_context(image.process(container["command"], name))
            checks[name] = container["livenessProbe"]["exec"]["command"]
        for name, check in checks.items():
            started[name].wait_until(partial(image.run, check, name), "it is healthy")
        for path, port in [("/health/", image.web), ("/healthcheck", image.flower)]:
            name = "web" if port == image.web else "flower"
            if name in pods:
                (container,) = pods[name]["containers"]
                assert container["readinessProbe"]["httpGet"]["path"] == path
                # On a slow machine, a probe may miss its deadline.
                url = f"http://{HOST}:{port}{path}"
                started[name].wait_until(partial(answers, url), f"{path} is healthy")
        # A busy worker may answer too late, so try again.
        wired = partial(image.run, ["python", "manage.py", "doctor", "--seconds", "60"])
        started["worker"].wait_until(wired, "doctor reports no failures")

        # Processes renew their files.
        alive = [name for name, check in checks.items() if "alive" in str(check)]
        for name in alive:
            grow_old(image.alive(name))
        for name in alive:
            healthy_again = partial(image.run, checks[name], name)
            started[name].wait_until(healthy_again, "it renews its file")

        if "flower" in started:
            metrics = f"http://{HOST}:{image.flower}/metrics"
            started["flower"].wait_until(lambda: online(metrics) == 3, "it sees all workers")
            started["worker"].kill()
            started["flower"].wait_until(lambda: online(metrics) == 2, "it reports the dead one")
        for process in started.values():
            if process.exit_code is None:
                process.end()
        for name, check in checks.items():
            if name in alive:
                grow_old(image.alive(name))
            assert not image.run(check, name), name
        for process in started.values():
            for line in process.logged():
                json.loads(line)


def shell(test: list[str]) -> list[str]:
    """Return the command that Docker runs for a health check."""
    kind, *words = test
    return ["sh", "-c", *words] if kind == "CMD-SHELL" else words


def grow_old(file: Path) -> None:
    os.utime(file, (time.time() - LONG_AGO,) * 2)


def online(metrics: str) -> int:
    """Return the number of online workers in Flower's metrics."""
    with urlopen(metrics, timeout=STUCK_SECONDS) as response:
        told = response.read().decode()
    return len(re.findall(r"^flower_worker_online\{.*\} 1", told, re.MULTILINE))

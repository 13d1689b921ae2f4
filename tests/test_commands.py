"""What containers run, runs: the commands and probes of the image, of compose and of Kubernetes.

Outside a container: only folders, ports and names of hosts are others.
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

from tests.helpers.make import run
from tests.helpers.programs import KUBECTL, need
from tests.test_wiring import StartServers, start_servers
from tools.generate import choices, generate
from tools.process import Process
from tools.progress import STUCK_SECONDS
from tools.servers.server import HOST, free_port
from tools.services import chosen, create_database, point_at, read_env, services

__all__ = ["start_servers"]

PRODUCTION = ("--file", "compose.yaml", "--file", "compose.prod.yaml")
# Longer than what is asked by it may be silent.
LONG_AGO = 600


class Image:
    """A project, and the environment that its processes have in production."""

    def __init__(self, project: Path, folder: Path) -> None:
        self.project = project
        self.folder = folder
        text = (project / "Dockerfile").read_text(encoding="utf-8")
        lines = [line for line in text.splitlines() if not line.strip().startswith("#")]
        self.dockerfile = "\n".join(lines).replace("\\\n", "")
        self.web, self.flower = free_port(), free_port()
        (folder / "data").mkdir(parents=True)
        own = {
            "PATH": f"{project / '.venv/bin'}:{os.environ['PATH']}",
            "ALLOWED_HOSTS": "example.com",
            "FLOWER_PORT": str(self.flower),
            "MEDIA_ROOT": str(folder / "data" / "media"),
            # Celery's own, that the tests are run by root.
            "PYTHONWARNINGS": "ignore",
        }
        given = dict(re.findall(r"(DJANGO_SETTINGS_MODULE|REMAP_SIGTERM)=(\S+)", self.dockerfile))
        self.environment = read_env(project) | given | own

    def instruction(self, pattern: str) -> str:
        """Return what an instruction says."""
        (found,) = re.findall(pattern, self.dockerfile, re.MULTILINE)
        return str(found)

    def here(self, command: list[str], name: str) -> list[str]:
        """Return a command for this machine, of the process of that name."""
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
        """Return whether a command ends well."""
        log = self.folder / "commands.log"
        words = self.here(command, name)
        with Process(self.project, words, log=log, env=self.environment) as process:
            return process.finish() == 0

    def process(self, command: list[str], name: str) -> "Started":
        if "worker" in command:
            # Each would be on a host of its own.
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
        """Tell it to stop, as Docker and Kubernetes do: it does so in order."""
        self.send_signal(signal.SIGTERM)
        assert self.finish() == 0, self.said()

    def logged(self) -> list[str]:
        """Return what it logged. What Celery says of its end goes past all logging."""
        lines = self.said().splitlines()
        return [line for line in lines if line and not line.startswith("worker: ")]


def answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=STUCK_SECONDS) as response:
            return bool(response.status == 200)
    except URLError:
        return False


def composed(project: Path) -> dict[str, dict[str, Any]]:
    """Return the services of production as compose reads them."""
    command = ["docker-compose", *PRODUCTION, "config", "--format", "json"]
    found: dict[str, Any] = json.loads(subprocess.check_output(command, cwd=project))["services"]
    return found


def deployed(project: Path) -> dict[str, dict[str, Any]]:
    """Return the pods of production by the name of what runs them."""
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
        if server.name == "postgresql":
            create_database(server, str(given["project_slug"]))
    run(project, "uv", "sync", "--quiet")
    yield Image(project, tmp_path / "run")
    shutil.rmtree(project)


@pytest.mark.exhaustive
def test_the_commands_of_containers_run_and_tell_whether_they_do(image: Image) -> None:
    compose, pods = composed(image.project), deployed(image.project)
    assert image.run(["sh", "-c", image.instruction("^RUN (SECRET_KEY=.*)")])
    assert (image.project / "staticfiles" / "staticfiles.json").exists()

    # The tables, for which all others wait.
    (migrated,) = pods["web"]["initContainers"]
    once = [word.replace("until ", "").partition(";")[0] for word in migrated["command"]]
    assert not image.run(once)
    assert image.run(compose["migrate"]["command"])
    assert image.run(pods["migrate"]["containers"][0]["command"])
    assert image.run(migrated["command"])

    web = json.loads(image.instruction(r"^CMD (\[.*\])"))
    healthy = json.loads(image.instruction(r"^HEALTHCHECK .* CMD (\[.*\])"))
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
                assert answers(f"http://{HOST}:{port}{path}")
        # A busy worker may take longer to answer it than it waits.
        wired = partial(image.run, ["python", "manage.py", "doctor", "--seconds", "60"])
        started["worker"].wait_until(wired, "all is wired")

        # They show it again and again.
        alive = [name for name, check in checks.items() if "alive" in str(check)]
        for name in alive:
            grow_old(image.alive(name))
        for name in alive:
            healthy_again = partial(image.run, checks[name], name)
            started[name].wait_until(healthy_again, "it shows that it is alive")

        if "flower" in started:
            metrics = f"http://{HOST}:{image.flower}/metrics"
            started["flower"].wait_until(lambda: online(metrics) == 3, "it sees all workers")
            started["worker"].kill()
            started["flower"].wait_until(lambda: online(metrics) == 2, "it misses one")
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
    """Return how Docker runs a health check."""
    kind, *words = test
    return ["sh", "-c", *words] if kind == "CMD-SHELL" else words


def grow_old(file: Path) -> None:
    os.utime(file, (time.time() - LONG_AGO,) * 2)


def online(metrics: str) -> int:
    """Return how many workers Flower tells Prometheus of."""
    with urlopen(metrics, timeout=STUCK_SECONDS) as response:
        told = response.read().decode()
    return len(re.findall(r"^flower_worker_online\{.*\} 1", told, re.MULTILINE))

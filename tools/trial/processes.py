"""The processes of a project, which start and stop like servers."""

import os
import re
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any

from tools.process import Process, tail
from tools.progress import descendants
from tools.servers import SERVERS, Server

APP = Path(__file__).parent / "app"
# Variables that would point Celery, a driver, make or uv to other servers or another project.
MISLEADING = re.compile(
    r"APP|AWS_.*|BROKER_URL|CELERY_.*|DJANGO_.*|MAKE.*|MFLAGS|PG.*|PYTHONPATH|RESULT_BACKEND"
    r"|UV_FROZEN|UV_LOCKED|UV_PROJECT.*|VIRTUAL_ENV"
)


class Bundled(Server):
    """The server that the project's packages include, in place of a separate service."""

    def __init__(self, folder: Path, service: Any) -> None:
        """Take the facts of the service."""
        self.name = service.bundled
        super().__init__(folder)
        self.default_port = SERVERS[service.name].default_port

    def command(self) -> list[str]:
        return [python(self.folder), "-m", "scripts.server"]

    def answers(self) -> bool:
        # The script prints another text if a server answers already.
        return " runs at " in self.said()


class Worker(Process):
    """A worker that also imports the tasks of the project's tests."""

    name = "worker"
    ready = "ready."

    def command(self) -> list[str]:
        # Do not look for other workers first, which takes a second.
        options = ("--include", "tests.tasks", "--concurrency", "2", "--without-mingle")
        return [python(self.folder), "-m", "celery", "--app", "config", "worker", *options]


class Beat(Process):
    """Beat, which sends a task twice a second that writes to the file `ticks`.

    `start` does not wait for it: the runs of the task show that it works.
    """

    name = "beat"

    def __init__(self, folder: Path, ticks: Path) -> None:
        super().__init__(folder, env={"TICKS": str(ticks), "PYTHONPATH": str(APP)})

    def command(self) -> list[str]:
        return [python(self.folder), "-m", "celery", "--app", "trial_beat", "beat"]


def isolate(project: Path) -> None:
    """Unset the variables that would override the project's .env.

    Temporary files of its processes are written next to the project.
    """
    example = (project / ".env.example").read_text(encoding="utf-8")
    documented = re.findall(r"^(?:# )?([A-Z_]+)=", example, re.MULTILINE)
    for name in list(os.environ):
        if name in documented or MISLEADING.fullmatch(name):
            del os.environ[name]
    os.environ["TMPDIR"] = str(project.parent)
    # The project's Makefile looks for uv on PATH, where the one that runs this may not be.
    if uv := os.environ.get("UV"):
        os.environ["PATH"] = os.pathsep.join([str(Path(uv).parent), os.environ["PATH"]])


def python(project: Path) -> str:
    """Return the Python that has the packages of an installed project."""
    return str(project / ".venv" / "bin" / "python")


def install(project: Path) -> None:
    """Run `make install`, which installs a project's packages and creates its tables.

    Raises `RuntimeError` with the end of the output.
    """
    with Process(project, ["make", "install"], log=project / "install.log") as command:
        code = command.wait()
    if code:
        raise RuntimeError(f"make install failed:\n{tail(command.log)}")


def kill_descendants() -> None:
    """Kill processes that were started just before a signal, and never recorded."""
    for pid in descendants(os.getpid()):
        with suppress(ProcessLookupError):
            group = os.getpgid(pid)
            if group == os.getpgrp():
                os.kill(pid, signal.SIGKILL)
            else:
                # Include processes that it starts right now.
                os.killpg(group, signal.SIGKILL)
    with suppress(ChildProcessError):
        while True:
            os.wait()

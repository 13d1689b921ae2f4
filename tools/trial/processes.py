"""The processes of a project, started and stopped as servers are."""

import os
import re
import signal
from contextlib import suppress
from pathlib import Path

from tools.process import Process, tail
from tools.progress import descendants
from tools.servers import SERVERS, Server

APP = Path(__file__).parent / "app"
# What would lead Celery, a driver, make or uv elsewhere than to the project and its servers.
MISLEADING = re.compile(
    r"APP|AWS_.*|BROKER_URL|CELERY_.*|DJANGO_.*|MAKE.*|MFLAGS|PG.*|PYTHONPATH|RESULT_BACKEND"
    r"|UV_FROZEN|UV_LOCKED|UV_PROJECT.*|VIRTUAL_ENV"
)


class Valkey(Server):
    """The server that comes with the project's packages, in place of a service's own."""

    name = "valkey"

    def __init__(self, folder: Path, service: str) -> None:
        super().__init__(folder)
        self.default_port = SERVERS[service].default_port

    def command(self) -> list[str]:
        return [python(self.folder), "-m", "scripts.valkey"]

    def answers(self) -> bool:
        # It says something else where a server answers already.
        return "Valkey runs at" in self.said()


class Worker(Process):
    """A worker that also knows the tasks of the project's tests."""

    name = "worker"
    ready = "ready."

    def command(self) -> list[str]:
        # Without looking for other workers first, which takes a second.
        options = ("--include", "tests.tasks", "--concurrency", "2", "--without-mingle")
        return [python(self.folder), "-m", "celery", "--app", "config", "worker", *options]


class Beat(Process):
    """Beat, which has a task run twice a second that writes to the file `ticks`.

    Nobody waits for it: that its task runs shows that it does.
    """

    name = "beat"

    def __init__(self, folder: Path, ticks: Path) -> None:
        super().__init__(folder, env={"TICKS": str(ticks), "PYTHONPATH": str(APP)})

    def command(self) -> list[str]:
        return [python(self.folder), "-m", "celery", "--app", "trial_beat", "beat"]


def isolate(project: Path) -> None:
    """Forget the variables that would lead the project elsewhere than its .env does.

    What its processes leave in the folder for temporary files comes to lie beside the project.
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
    """Install a project's packages and make its tables, as its README says.

    Raises `RuntimeError` with the end of what `make install` printed.
    """
    with Process(project, ["make", "install"], log=project / "install.log") as command:
        code = command.wait()
    if code:
        raise RuntimeError(f"make install failed:\n{tail(command.log)}")


def kill_descendants() -> None:
    """End what a signal kept us from noting, when it came just after a process was started."""
    for pid in descendants(os.getpid()):
        with suppress(ProcessLookupError):
            group = os.getpgid(pid)
            if group == os.getpgrp():
                os.kill(pid, signal.SIGKILL)
            else:
                # With what it starts in this very moment.
                os.killpg(group, signal.SIGKILL)
    with suppress(ChildProcessError):
        while True:
            os.wait()

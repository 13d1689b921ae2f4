"""The processes of a project, started and stopped as servers are."""

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, ClassVar

from tools.progress import descendants
from tools.servers import SERVERS, Server

# What would lead Celery, a driver, make or uv elsewhere than to the project and its servers.
MISLEADING = re.compile(
    r"APP|AWS_.*|BROKER_URL|CELERY_.*|DJANGO_.*|MAKE.*|MFLAGS|PG.*|PYTHONPATH|RESULT_BACKEND"
    r"|UV_FROZEN|UV_LOCKED|UV_PROJECT.*|VIRTUAL_ENV"
)


class Process(Server):
    """A process that runs in a project's folder, with its packages."""

    default_port = 0
    arguments: ClassVar[tuple[str, ...]]
    """What Python is told to run."""
    ready: ClassVar[str]
    """What its log says when it can be used."""

    def command(self) -> list[str]:
        return [python(self.folder), *self.arguments]

    def answers(self) -> bool:
        return self.ready in self.said()


class Valkey(Process):
    """The broker that comes with the project's packages."""

    name = "valkey"
    default_port = SERVERS["redis"].default_port
    arguments = ("-m", "scripts.valkey")
    # It says something else where a server answers already.
    ready = "Valkey runs at"


class Worker(Process):
    """A worker that also knows the tasks of the project's tests."""

    name = "worker"
    # Without looking for other workers first, which takes a second.
    arguments = (
        *("-m", "celery", "--app", "config", "worker"),
        *("--include", "tests.tasks", "--concurrency", "2", "--without-mingle"),
    )
    ready = "ready."


class Beat(Process):
    """Beat, which has a task run twice a second that writes to the file `ticks`."""

    name = "beat"
    arguments = ("-m", "celery", "--app", "tests.beat", "beat")
    # Nobody waits for it: that its task runs shows that it does.
    ready = ""

    def __init__(self, folder: Path, ticks: Path) -> None:
        super().__init__(folder)
        self._ticks = ticks

    def environment(self) -> dict[str, str]:
        return {"TICKS": str(self._ticks)}


@contextmanager
def running(command: list[str], **options: Any) -> Iterator[subprocess.Popen[str]]:
    """Run a command until the block ends; when that fails, kill all that the command started."""
    with subprocess.Popen(command, start_new_session=True, text=True, **options) as process:
        try:
            yield process
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise


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
    log = project / "install.log"
    with (
        log.open("w") as output,
        running(["make", "install"], cwd=project, stdout=output, stderr=output) as process,
    ):
        process.wait()
    if process.returncode:
        raise RuntimeError(f"make install failed:\n{tail(log)}")


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


def tail(log: Path) -> str:
    """Return the last lines of a log."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-20:])

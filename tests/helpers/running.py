"""Run the processes of a project, and send tasks to them."""

from collections.abc import Iterable
from pathlib import Path

from tests.helpers.make import run
from tools.process import Process
from tools.progress import STUCK_SECONDS
from tools.trial.processes import python

WORKER = ("-m", "celery", "--app", "config", "worker", "--include", "tests.tasks", "-c", "1")
SEND = f"""
import config, django
django.setup()
from tests.tasks import add
print(add.apply_async((2, 3), retry=False).get(timeout={STUCK_SECONDS}))
"""
WAIT_FOR_AN_EVENT = """
import config, django
django.setup()
seen = []
with config.celery_app.connection_for_read() as connection:
    receiver = config.celery_app.events.Receiver(connection, handlers={"*": seen.append})
    while not seen:
        receiver.capture(limit=1)
"""
# Arguments for a project's Python.
Command = tuple[str, ...]
REMOTE_CONTROL: list[Command] = [
    ("-m", "celery", "--app", "config", "inspect", "ping"),
    ("-c", WAIT_FOR_AN_EVENT),
]


def running(project: Path, log: Path, ready: str, *arguments: str, **environment: str) -> Process:
    """Return a process of a project that is ready when its log contains `ready`."""
    return Process(project, [python(project), *arguments], log=log, ready=ready, env=environment)


def use_all(
    project: Path, log: Path, others: Iterable[Command] = (), /, **environment: str
) -> None:
    """Run a worker, a task, a task with a countdown, and other commands."""
    with running(project, log, "ready.", *WORKER, **environment):
        for code in (SEND, SEND.replace("retry=False", "countdown=3")):
            run(project, python(project), "-c", code, **environment)
        for command in (("manage.py", "queues"), *others):
            run(project, python(project), *command, **environment)

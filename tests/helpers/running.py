"""Processes of a project, and tasks that are sent to them."""

from pathlib import Path

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


def running(project: Path, log: Path, ready: str, *arguments: str, **environment: str) -> Process:
    """Return a process of a project, with this environment; its log says `ready` when it is."""
    return Process(project, [python(project), *arguments], log=log, ready=ready, env=environment)

"""Run `manage.py doctor`."""

import os
import re
import subprocess
import sys
from collections.abc import Callable

from config.env import BASE_DIR
from tests import SECONDS, wait_until


class Report:
    """The output of the command: its text, and the state of each line."""

    def __init__(self, seconds: float, **variables: str) -> None:
        self.process = subprocess.run(
            [sys.executable, "manage.py", "doctor", "--seconds", str(seconds)],
            cwd=BASE_DIR,
            env=os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings.test"} | variables,
            capture_output=True,
            text=True,
            check=False,
        )
        self.text = self.process.stdout
        found = re.findall(r"^(\w[\w ]*?) +(ok|failed|skipped) ", self.text, re.MULTILINE)
        self.states = dict(found)
        assert self.process.stderr == ""
        assert self.process.returncode == int(set(self.states.values()) != {"ok"})

    def line(self, name: str) -> str:
        return next(line for line in self.text.splitlines() if line.startswith(name))


def report_once(
    found: Callable[[Report], bool], seconds: float = SECONDS, **variables: str
) -> Report:
    """Run the command until this is found, since a slow machine may time out."""
    printed: list[Report] = []

    def is_found() -> bool:
        printed.append(Report(seconds, **variables))
        return found(printed[-1])

    wait_until(is_found, "the expected report")
    return printed[-1]


def is_healthy(report: Report) -> bool:
    return set(report.states.values()) == {"ok"}

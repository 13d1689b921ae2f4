"""Run Django's system checks."""

import os
import subprocess
import sys

from django.core.checks import run_checks

from config.env import BASE_DIR


def found() -> list[str]:
    """Return the id, message and hint of each failed check in this process."""
    return sorted(f"{message.id}: {message.msg} {message.hint}" for message in run_checks())


def check(*options: str, settings: str = "local", **environment: str) -> str:
    """Return the output of `manage.py check` with another environment."""
    done = subprocess.run(
        [sys.executable, "manage.py", "check", *options],
        cwd=BASE_DIR,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": f"config.settings.{settings}"} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.stdout

"""The generated project's own commands."""

import subprocess
from pathlib import Path

from tools.process import inherited

# For the slowest: what a project's CI runs, while five others are tested on the same machine.
MINUTES = 30


def make(project: Path, *targets: str, **environment: str) -> None:
    """Run targets of a project's Makefile. Fails the test with what they printed, if one fails."""
    run(project, "make", *targets, **environment)


def run(project: Path, *command: str, **environment: str) -> None:
    """Run a command in a project. Fails the test with what it printed, if it fails."""
    process = subprocess.run(
        command,
        cwd=project,
        env=inherited() | environment | {"CI": "true"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=MINUTES * 60,
        check=False,
    )
    assert process.returncode == 0, f"{' '.join(command)} failed:\n{process.stdout}"

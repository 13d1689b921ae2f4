"""The generated project's own commands."""

import os
import subprocess
from pathlib import Path

# For the slowest: what a project's CI runs, while five others are tested on the same machine.
MINUTES = 30
# A project has an environment of its own, and is not part of the `make` that runs these tests.
OURS = ("VIRTUAL_ENV", "MAKEFLAGS", "MAKELEVEL", "MFLAGS")


def make(project: Path, *targets: str, **environment: str) -> None:
    """Run targets of a project's Makefile. Fails the test with what they printed, if one fails."""
    run(project, "make", *targets, **environment)


def run(project: Path, *command: str, **environment: str) -> None:
    """Run a command in a project. Fails the test with what it printed, if it fails."""
    inherited = {key: value for key, value in os.environ.items() if key not in OURS}
    process = subprocess.run(
        command,
        cwd=project,
        env=inherited | environment | {"CI": "true"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=MINUTES * 60,
        check=False,
    )
    assert process.returncode == 0, f"{' '.join(command)} failed:\n{process.stdout}"

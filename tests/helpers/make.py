"""Run commands in a generated project."""

from pathlib import Path
from tempfile import TemporaryDirectory

from tools.process import Process


def make(project: Path, *targets: str, **environment: str) -> None:
    """Run targets of a project's Makefile. Fail the test with their output if one fails."""
    run(project, "make", *targets, **environment)


def run(project: Path, *command: str, **environment: str) -> None:
    """Run a command in a project. Fail the test with its output if it fails."""
    with TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        with Process(project, command, log=log, env=environment | {"CI": "true"}) as process:
            code = process.finish()
        assert code == 0, f"{' '.join(command)} failed:\n{process.said()}"

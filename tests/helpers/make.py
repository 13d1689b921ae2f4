"""The generated project's own commands."""

from pathlib import Path
from tempfile import TemporaryDirectory

from tools.process import Process


def make(project: Path, *targets: str, **environment: str) -> None:
    """Run targets of a project's Makefile. Fails the test with what they printed, if one fails."""
    run(project, "make", *targets, **environment)


def run(project: Path, *command: str, **environment: str) -> None:
    """Run a command in a project. Fails the test with what it printed, if it fails."""
    with TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        with Process(project, command, log=log, env=environment | {"CI": "true"}) as process:
            code = process.finish()
        assert code == 0, f"{' '.join(command)} failed:\n{process.said()}"

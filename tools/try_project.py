"""Make a project, run it for a moment, and show its tasks at work.

`make try` uses the default answers, `make try broker=rabbitmq` changes one. It deletes the project
at the end, unless you add `keep=true`.
"""

import json
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Column, Table

from tools.command import ignore_signals, interrupted_by_signals
from tools.generate import Answers, Refused, facts, generate, parse, refusal
from tools.process import Process, tail
from tools.servers import SERVERS, MissingServer, Server
from tools.services import chosen, point_at
from tools.trial.processes import (
    Beat,
    Bundled,
    Worker,
    install,
    isolate,
    kill_descendants,
    python,
)

START = time.monotonic()
KEEP = "keep=true"
TASKS = ("result", "retry", "chord", "countdown", "periodic")
SEND = Path(__file__).parent / "trial" / "send.py"

NOT_SENT: dict[str, Any] = {"what": "could not be sent", "worked": False, "seconds": 0}

NEXT = """
What now?
  make new                    make a project of your own
  make try keep=true          keep the project, to look around in it
  make try broker=rabbitmq    try another choice: docs/questions.md lists them
"""
KEPT = """
Look around in the project, and remove it when you are done:
  cd {project}
  make {services}dev
"""

console = Console(highlight=False)
errors = Console(highlight=False, markup=False, soft_wrap=True, stderr=True)


def main(arguments: Sequence[str]) -> int:
    """Try a project with the answers among the arguments, and return the exit code."""
    try:
        with interrupted_by_signals():
            for word in arguments:
                if word.startswith("keep=") and word != KEEP:
                    raise Refused(f"{word!r:.200} is not an option: write {KEEP}, or leave it out.")
            answers = parse(argument for argument in arguments if argument != KEEP)
            try_project(answers, keep=KEEP in arguments)
    except (Refused, MissingServer, RuntimeError) as error:
        errors.print(error)
        return 1
    except OSError as error:
        errors.print(
            f"The trial failed: {error}. Fix that, or choose another folder: TMPDIR=~/tmp make try"
        )
        return 1
    except KeyboardInterrupt:
        errors.print("Interrupted: everything that was started is stopped.")
        return 130
    return 0


def try_project(answers: Answers, *, keep: bool = False) -> None:
    """Make a project, run it with its servers, stop everything, and print the next steps.

    Raises `Refused` or `MissingServer` before it makes anything, and `RuntimeError` with the end of
    a log if something fails.
    """
    if reason := refusal(answers):
        raise Refused(reason)
    choice = chosen(answers)
    titles = [choice[key].title for key in ("broker", "result_backend", "database")]
    with tempfile.TemporaryDirectory(prefix="try-", delete=not keep) as name:
        folder = Path(name)
        # A slug has no dash, so these names are free.
        servers = [
            SERVERS[service.name](folder / f"{service.name}-server")
            for service in facts(answers).services
            if not service.bundled
        ]
        with stopping() as stack:
            with step("Make a project: broker {}, results {}, database {}".format(*titles)):
                project = generate(answers, folder)
            run(project, answers, servers, stack)
    services = "services migrate " if servers else ""
    console.print(KEPT.format(project=project, services=services) if keep else NEXT)


def run(project: Path, answers: Answers, servers: Sequence[Server], stack: ExitStack) -> None:
    """Start the servers and the project's processes on the stack, and show its tasks at work."""
    notes = project.with_name("task-notes")
    notes.mkdir()
    isolate(project)
    bundled = [Bundled(project, service) for service in facts(answers).bundled]
    beat = [Beat(project, notes / "periodic")] if chosen(answers)["scheduler"].beat else []
    # Restore .env at the end, in case the project is kept.
    stack.callback((project / ".env").write_text, (project / ".env").read_text())
    point_at(project, [*servers, *bundled])
    for server in servers:
        with step(f"Start {type(server).__name__}"):
            stack.enter_context(server)
        server.create_database(project.name)
    with step("Install its packages, create its tables"):
        install(project)
    for process in (*bundled, Worker(project), *beat):
        with step(f"Start {process.name.title()}"):
            stack.enter_context(process)
    show_tasks(project, notes, impossible(answers))


def impossible(answers: Answers) -> dict[str, str]:
    """Return the tasks that the project cannot run, with the reasons."""
    choice = chosen(answers)
    reasons = {}
    if not choice["result_backend"].results_enabled:
        reasons["result"] = "not supported by this result backend"
    if not choice["result_backend"].chords:
        reasons["chord"] = "not supported by this result backend"
    if not choice["scheduler"].beat:
        reasons["periodic"] = "needs beat"
    return reasons


def show_tasks(project: Path, notes: Path, reasons: Mapping[str, str]) -> None:
    """Send the tasks, and add a row to a table for each outcome.

    Raises `RuntimeError` with the end of the logs if a task fails.
    """
    table = Table("task", "what happened", Column("seconds", justify="right"))
    possible = [task for task in TASKS if task not in reasons]
    broken = []
    sender = Process(
        project,
        [python(project), "-c", SEND.read_text(encoding="utf-8"), str(notes), *possible],
        log=project / "outcomes.log",
        errors=project / "send.log",
    )
    with sender, Live(table, console=console, transient=True):
        outcomes = map(json.loads, sender.lines())
        for task in TASKS:
            if task in reasons:
                table.add_row(task, reasons[task], "-", style="dim")
                continue
            outcome = next(outcomes, NOT_SENT)
            passed = time.monotonic() - START
            style = "green" if outcome["worked"] else "red"
            table.add_row(task, outcome["what"], f"{outcome['seconds']:.2f}", style=style)
            table.caption = (
                table.caption or f"the first task was done {passed:.1f} s after the start"
            )
            if not outcome["worked"]:
                broken.append(task)
    console.print(table)
    if broken:
        logs = [project / f"{name}.log" for name in ("send", "worker", "beat")]
        ends = [f"{log.name}:\n{tail(log)}" for log in logs if log.exists()]
        raise RuntimeError("\n\n".join([f"These tasks failed: {', '.join(broken)}.", *ends]))


@contextmanager
def step(text: str) -> Iterator[None]:
    """Print a text for the block, and on a terminal the time that it took."""
    start = time.monotonic()
    if console.is_terminal:
        with console.status(text):
            yield
        console.print(f"[green]{time.monotonic() - start:5.1f} s[/]  {text}")
    else:
        console.print(text, soft_wrap=True)
        yield


@contextmanager
def stopping() -> Iterator[ExitStack]:
    """Yield a stack whose contexts are stopped at the end of the block, even after an error."""
    stack = ExitStack()
    stack.callback(kill_descendants)
    try:
        yield stack
    finally:
        ignore_signals()
        with step("Stop everything that was started"):
            stack.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

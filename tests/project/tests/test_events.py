"""Workers tell of tasks for as long as somebody asks them to."""

from pathlib import Path
from socket import gethostname

from celery import Celery

from tests.fixtures import SECONDS, WORKER, Process, wait_until


def test_events_end_when_nobody_asks_any_more(celery: Celery, tmp_path: Path) -> None:
    name = f"watched@{gethostname()}"

    def ask() -> str:
        # It waits for one answer, and no longer.
        answers = celery.control.enable_events(
            destination=[name], reply=True, limit=1, timeout=SECONDS
        )
        return str([answer[name]["ok"] for answer in answers or []])

    worker = Process(tmp_path / "log", *WORKER, "--hostname", name, app="tests.events")
    try:
        worker.wait_for_line("ready.")
        # It says that it is ready a moment before it hears what it is told.
        wait_until(lambda: bool(celery.control.ping([name], timeout=5, limit=1)), "an answer")
        assert ask() == "['task events enabled']"
        wait_until(lambda: ask() == "['task events already enabled']")
        worker.wait_for_line("Events of group {task} disabled")
        assert ask() == "['task events enabled']"
    finally:
        worker.stop()

"""Workers tell of tasks for as long as somebody asks them to."""

from socket import gethostname

from celery import Celery

from tests.fixtures import SECONDS, StartWorker, wait_until


def test_events_end_when_nobody_asks_any_more(celery: Celery, start_worker: StartWorker) -> None:
    worker = start_worker("watched")
    name = f"watched@{gethostname()}"
    # It says that it is ready a moment before it hears what it is told.
    wait_until(lambda: bool(celery.control.ping([name], timeout=0.5)), what="an answer")

    def ask() -> str:
        # It waits for one answer, and no longer.
        (answers,) = (
            celery.control.enable_events(destination=[name], reply=True, limit=1, timeout=SECONDS)
            or []
        )
        return str(answers[name]["ok"])

    assert ask() == "task events enabled"
    assert ask() == "task events already enabled"
    worker.wait_for_line("Events of group {task} disabled")
    assert ask() == "task events enabled"

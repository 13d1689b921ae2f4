"""Tasks that visitors follow."""

from typing import Any
from uuid import UUID

from celery.exceptions import SoftTimeLimitExceeded, TimeLimitExceeded

from config.tasks import RetriedTask
from gallery.mail import Undeliverable
from gallery.models import Job, State


class JobTask(RetriedTask):
    """A task that works on jobs, which it begins by `Job.begin`.

    Visitors read no logs: what goes wrong is told to the job, also when the task was killed for
    taking too long. Use it as `@shared_task(base=JobTask, model=Photograph)`.
    """

    model: type[Job]

    def on_retry(self, exc: Any, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:
        self.model.change(self.begun(task_id), State.RETRYING, in_words(exc))

    def on_failure(self, exc: Any, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:
        self.model.change(self.begun(task_id), State.FAILED, in_words(exc))

    def begun(self, task_id: str) -> list[UUID]:
        """What a task was at when it stopped: one of many is to blame, and the others wait."""
        jobs = self.model._default_manager.filter(state=State.WORKING, task_id=task_id)
        return list(jobs.values_list("pk", flat=True))


def in_words(error: Exception) -> str:
    """What a visitor may know of an error: no paths, no addresses, nothing of how it is built."""
    match error:
        case TimeLimitExceeded() | SoftTimeLimitExceeded():
            return "It took too long."
        case Undeliverable():
            return "The mail server does not take it. Is the address right?"
        case FileNotFoundError():
            return "A file that it needs is gone."
        case OSError():
            return "A server that it needs did not answer, or refused."
        case _:
            return "Something went wrong. The worker's log says what."

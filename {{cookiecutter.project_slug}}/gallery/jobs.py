"""Tasks whose state visitors see."""

from typing import Any
from uuid import UUID

from celery.exceptions import SoftTimeLimitExceeded, TimeLimitExceeded

from gallery.mail import Undeliverable
from gallery.models import Job, State
from task_queue.base import RetriedTask


class JobTask(RetriedTask):
    """A task that works on jobs, and starts each with `Job.begin`.

    Visitors cannot read the log, so this stores an error in the job, even if a time limit killed
    the task. Use it with `@shared_task(base=JobTask, model=Photograph)`.
    """

    model: type[Job]

    def on_retry(self, exc: Any, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:
        self.model.change(self.begun(task_id), State.RETRYING, user_message(exc))

    def on_failure(self, exc: Any, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:
        self.model.change(self.begun(task_id), State.FAILED, user_message(exc))

    def begun(self, task_id: str) -> list[UUID]:
        """Return the jobs that the task was working on. Its other jobs are still waiting."""
        jobs = self.model._default_manager.filter(state=State.WORKING, task_id=task_id)
        return list(jobs.values_list("pk", flat=True))


def user_message(error: Exception) -> str:
    """Return a message for visitors, without paths, addresses or other internals."""
    match error:
        case TimeLimitExceeded() | SoftTimeLimitExceeded():
            return "It took too long."
        case Undeliverable():
            return "The mail server refused it. Is the address right?"
        case FileNotFoundError():
            return "A required file is missing."
        case OSError():
            return "A server did not answer, or refused the request."
        case _:
            return "Something went wrong. Please try again."

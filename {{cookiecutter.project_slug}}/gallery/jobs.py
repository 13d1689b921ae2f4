"""Tasks that visitors follow."""

from typing import Any
from uuid import UUID

from celery.exceptions import SoftTimeLimitExceeded, TimeLimitExceeded

from config.tasks import RetriedTask
from gallery.models import Job, State


class JobTask(RetriedTask):
    """A task that works on a job, or several, whose keys are its first argument.

    Visitors read no logs: what goes wrong is told to the job, also when the task was killed for
    taking too long. Use it as `@shared_task(base=JobTask, model=Photograph)`.
    """

    model: type[Job]

    def on_retry(self, exc: Any, task_id: Any, args: Any, kwargs: Any, einfo: Any) -> None:
        self.model.change(keys(args), State.RETRYING, in_words(exc))

    def on_failure(self, exc: Any, task_id: Any, args: Any, kwargs: Any, einfo: Any) -> None:
        self.model.change(keys(args), State.FAILED, in_words(exc))


def keys(args: Any) -> list[UUID]:
    return args[0] if isinstance(args[0], list) else [args[0]]


def in_words(error: Exception) -> str:
    """What a visitor may know of an error: no paths, no addresses, nothing of how it is built."""
    if isinstance(error, TimeLimitExceeded | SoftTimeLimitExceeded):
        return "It took too long."
    if isinstance(error, OSError):
        return "A server that it needs did not answer, or refused."
    return "Something went wrong. The worker's log says what."

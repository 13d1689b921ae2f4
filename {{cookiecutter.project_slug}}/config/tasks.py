"""What tasks of this project share."""

from typing import Any

from celery.contrib.django.task import DjangoTask
from celery.exceptions import Retry


class RetriedTask(DjangoTask):
    """A task that runs again when something that passes by itself went wrong.

    Use it as `@shared_task(base=RetriedTask)`. A task waits 1, 2, 4, … seconds, each drawn at
    random from one second up to that, so that many failing together do not come back together;
    after five retries it fails. Add exceptions by `autoretry_for`.
    """

    autoretry_for = (ConnectionError, TimeoutError)
    max_retries = 5
    retry_backoff = True
    retry_backoff_max = 600
    retry_jitter = True

    def retry(self, *args: Any, **options: Any) -> Retry:
        """Sends the task again, in a second at the earliest.

        Sent at once, it could be done before this run has noted that it is retried: the note
        would then hide the result.
        """
        if options.get("countdown") is not None:
            options["countdown"] = max(1, options["countdown"])
        return super().retry(*args, **options)

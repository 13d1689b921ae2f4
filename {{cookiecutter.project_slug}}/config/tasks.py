"""What tasks of this project share."""

from celery.contrib.django.task import DjangoTask


class RetriedTask(DjangoTask):
    """A task that runs again when something that passes by itself went wrong.

    Use it as `@shared_task(base=RetriedTask)`. A task waits 1, 2, 4, … seconds, each drawn at
    random up to that, so that many failing together do not come back together; after five
    retries it fails. Add exceptions by `autoretry_for`.
    """

    autoretry_for = (ConnectionError, TimeoutError)
    max_retries = 5
    retry_backoff = True
    retry_backoff_max = 600
    retry_jitter = True

"""Tasks for the tests of SQS."""

from celery import Task, shared_task

from tests.tasks import write


@shared_task(bind=True)
def retry_too_late(self: Task, path: str) -> None:
    write(path, "trying")
    raise self.retry(countdown=10**6)

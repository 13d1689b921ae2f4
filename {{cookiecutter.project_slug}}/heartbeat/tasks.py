"""What beat sends once a minute."""

from celery import shared_task
from django.utils import timezone

from heartbeat.models import Heartbeat


# If no worker runs it within its minute, the next one says more.
@shared_task(expires=60, ignore_result=True)
def tick() -> None:
    Heartbeat.objects.update_or_create(pk=1, defaults={"at": timezone.now()})

"""A site whose visitors send tasks. In the tested project, this file is tests/web.py."""

# mypy: disable-error-code="import-not-found,attr-defined"
# ruff: noqa: F403

import os

from config.settings import local
from config.settings.local import *
from django.http import HttpRequest, HttpResponse
from django.urls import path

ROOT_URLCONF = "tests.web"
if retries := os.environ.get("RETRIES"):
    local.CELERY_TASK_PUBLISH_RETRY_POLICY["max_retries"] = int(retries)
    # PGMQ also limits the seconds.
    if "connect_retries_timeout" in local.CELERY_BROKER_TRANSPORT_OPTIONS:
        local.CELERY_BROKER_TRANSPORT_OPTIONS["connect_retries_timeout"] = int(retries)


def send(request: HttpRequest) -> HttpResponse:
    from tests.faults import work

    work.delay(request.GET["notes"], int(request.GET["number"]), 0)
    return HttpResponse("sent")


def retry(request: HttpRequest) -> HttpResponse:
    from task_queue.models import DeadLetter

    for letter in DeadLetter.objects.all():
        letter.retry()
    return HttpResponse("sent")


urlpatterns = [path("send", send), path("retry", retry)]

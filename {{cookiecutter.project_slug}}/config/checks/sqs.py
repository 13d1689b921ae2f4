"""Whether production reaches Amazon SQS."""

from typing import Any
from urllib.parse import urlsplit

from django.core.checks import CheckMessage, register
from django.core.checks import Warning as CheckWarning

from config import celery_app


@register(deploy=True)
def check_endpoint(**kwargs: Any) -> list[CheckMessage]:
    """An address with a host is one that stands in for Amazon's, and is not encrypted."""
    host = urlsplit(celery_app.conf.broker_url).hostname
    if not host:
        return []
    return [
        CheckWarning(
            f"CELERY_BROKER_URL leads to {host}: is it the server for development?",
            hint="Say sqs://, and let AWS_REGION name the region.",
            id="celery.W010",
        )
    ]

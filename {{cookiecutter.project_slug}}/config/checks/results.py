"""How production reaches its results."""

from collections.abc import Iterator
from typing import Any

from django.core.checks import CheckMessage, register

from config import celery_app
from config.checks.urls import check_url


@register(deploy=True)
def check_results(**kwargs: Any) -> Iterator[CheckMessage]:
    """The address of the results is safe to use."""
    conf = celery_app.conf
    return check_url("CELERY_RESULT_BACKEND", conf.result_backend, conf.redis_backend_use_ssl)

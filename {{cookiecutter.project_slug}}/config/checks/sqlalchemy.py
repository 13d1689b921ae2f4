"""How production reaches the PostgreSQL that has its results."""

from collections.abc import Iterator
from typing import Any

from django.core.checks import CheckMessage, register

from config import celery_app
from config.checks.postgresql import check_address


@register(deploy=True)
def check_results(**kwargs: Any) -> Iterator[CheckMessage]:
    """The address of the results is safe to use."""
    return check_address("CELERY_RESULT_BACKEND", celery_app.conf.result_backend)

"""How production reaches the PostgreSQL that has its queues."""

from collections.abc import Iterator
from typing import Any

from django.core.checks import CheckMessage, register

from config import celery_app
from config.checks.postgresql import check_address


@register(deploy=True)
def check_queues(**kwargs: Any) -> Iterator[CheckMessage]:
    """The address of the queues is safe to use."""
    return check_address(
        "CELERY_BROKER_URL", celery_app.conf.broker_transport_options["conn_string"]
    )

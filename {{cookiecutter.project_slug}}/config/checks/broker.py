"""How production reaches its broker."""

from typing import Any

from django.core.checks import CheckMessage, register

from config import celery_app
from config.checks.urls import check_url


@register(deploy=True)
def check_broker(**kwargs: Any) -> list[CheckMessage]:
    """Each address of the broker is safe to use."""
    conf = celery_app.conf
    return [
        message
        for url in conf.broker_url.split(";")
        for message in check_url("CELERY_BROKER_URL", url, conf.broker_use_ssl)
    ]

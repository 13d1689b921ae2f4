"""Expired results that nobody removes."""

from typing import Any

from django.core.checks import CheckMessage, register
from django.core.checks import Warning as CheckWarning

from config import celery_app


@register
def check_cleaning(**kwargs: Any) -> list[CheckMessage]:
    """Expired results pile up unless workers load what removes them."""
    if "config.cleanup" in celery_app.conf.imports:
        return []
    return [
        CheckWarning(
            "CELERY_IMPORTS lacks config.cleanup: no worker removes expired results.",
            hint='Add "config.cleanup" to CELERY_IMPORTS, or let cron remove them.',
            id="celery.W006",
        )
    ]

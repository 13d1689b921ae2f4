"""Results that stay for ever."""

from typing import Any

from django.core.checks import CheckMessage, register
from django.core.checks import Warning as CheckWarning

from config import celery_app


@register
def check_expiry(**kwargs: Any) -> list[CheckMessage]:
    """Without an age at which they expire, results pile up."""
    if expires := celery_app.conf.result_expires:
        return []
    return [
        CheckWarning(
            f"CELERY_RESULT_EXPIRES is {expires}: results stay for ever, or are not kept at all.",
            hint="Set how long to keep results, in seconds, such as 86400.",
            id="celery.W005",
        )
    ]

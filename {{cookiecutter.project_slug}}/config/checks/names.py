"""Settings that Celery ignores."""

from difflib import get_close_matches
from typing import Any

from celery.app.defaults import DEFAULTS
from django.conf import settings
from django.core.checks import CheckMessage, register
from django.core.checks import Warning as CheckWarning

# Celery reads these, too, although it has no default for them.
OTHERS = ("db_reuse_max", "result_backend_thread_safe")
NAMES = [name.upper() for name in (*DEFAULTS, *OTHERS)]


@register
def check_names(**kwargs: Any) -> list[CheckMessage]:
    """Celery says nothing about a setting that it does not know."""
    return [
        CheckWarning(
            f"Celery has no setting {name}, and ignores it.", hint=suggest(name), id="celery.W003"
        )
        for name in dir(settings)
        if name.startswith("CELERY") and name.removeprefix("CELERY_") not in NAMES
    ]


def suggest(name: str) -> str:
    nearest = get_close_matches(name.removeprefix("CELERY_"), NAMES, n=1)
    return f"Did you mean CELERY_{nearest[0]}?" if nearest else "Remove it, or call it differently."

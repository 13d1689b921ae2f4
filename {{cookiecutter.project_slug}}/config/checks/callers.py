"""Results, which only the process that sent a task gets."""

from collections.abc import Iterable
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, register
from django.core.checks import Warning as CheckWarning

from config.checks.source import nodes, takes


@register
def check_callers(app_configs: Iterable[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Who looks a result up by its id is rarely the process that sent the task."""
    return [
        CheckWarning(
            f"{place} looks a result up by its id, which finds it only in the process that sent "
            "the task.",
            hint="Let the task write what matters to the database, or change the result backend.",
            id="celery.W002",
        )
        for place, node in nodes(app_configs)
        if takes(node, "AsyncResult", "GroupResult")
    ]

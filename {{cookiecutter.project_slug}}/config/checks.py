"""What `manage.py check` warns of."""

import ast
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.apps import AppConfig, apps
from django.core.checks import CheckMessage, register
from django.core.checks import Warning as CheckWarning


@register
def check_chords(app_configs: Iterable[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """A chord waits for the results of its group, which this project's result backend cannot."""
    return [
        CheckWarning(
            f"{file} uses a chord, which never runs its last task with this result backend.",
            hint="Let the task that finishes last send the next one, or change the result backend.",
            id="celery.W001",
        )
        for app in app_configs or apps.get_app_configs()
        if "site-packages" not in app.path
        for file in Path(app.path).rglob("*.py")
        if imports_chord(file.read_text(encoding="utf-8"))
    ]


def imports_chord(source: str) -> bool:
    """Whether a module takes `chord` from Celery."""
    return any(
        isinstance(node, ast.ImportFrom)
        and node.module in ("celery", "celery.canvas")
        and any(name.name == "chord" for name in node.names)
        for node in ast.walk(ast.parse(source))
    )

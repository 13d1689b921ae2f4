"""Chords, which this project's result backend cannot run."""

import ast
from collections.abc import Iterable
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, register
from django.core.checks import Warning as CheckWarning

from config.checks.source import is_name, nodes, takes


@register
def check_chords(app_configs: Iterable[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """A chord waits for the results of its group, and nobody counts them here."""
    return [
        CheckWarning(
            f"{place} uses a chord, which never runs its last task with this result backend.",
            hint="Let the task that finishes last send the next one, or change the result backend.",
            id="celery.W001",
        )
        for place, node in nodes(app_configs)
        if takes(node, "chord") or goes_on_after_group(node)
    ]


def goes_on_after_group(node: ast.AST) -> bool:
    """Whether a task follows a group, as in `group(…) | task.s()`: Celery makes a chord of it."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return is_group(node.left)
    if isinstance(node, ast.Call) and is_name(node.func, "chain"):
        return any(is_group(part) for part in node.args[:-1])
    return False


def is_group(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and is_name(node.func, "group")

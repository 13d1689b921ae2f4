"""What the project's own code says, read without running it."""

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

from django.apps import AppConfig, apps


def nodes(app_configs: Iterable[AppConfig] | None) -> Iterator[tuple[str, ast.AST]]:
    """Each expression and statement in the project's own apps, with its file and line."""
    for app in app_configs or apps.get_app_configs():
        if "site-packages" in app.path:
            continue
        for file in sorted(Path(app.path).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                yield f"{file}:{getattr(node, 'lineno', 1)}", node


def takes(node: ast.AST, *names: str) -> bool:
    """Whether code takes one of these from Celery, its app or a task."""
    if isinstance(node, ast.ImportFrom):
        from_celery = (node.module or "").partition(".")[0] == "celery"
        return from_celery and any(alias.name in names for alias in node.names)
    return isinstance(node, ast.Attribute) and node.attr in names and is_name(node.value)


def is_name(node: ast.AST, *names: str) -> bool:
    """Whether code is a plain name: one of these, where there are any."""
    return isinstance(node, ast.Name) and (not names or node.id in names)

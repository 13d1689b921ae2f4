"""Apps that hold a piece of code, for the tests."""

from pathlib import Path
from types import ModuleType

from django.apps import AppConfig


def app_with(code: str, folder: Path) -> AppConfig:
    """An app in this folder, with one module."""
    (folder / "views.py").write_text(code)
    module = ModuleType("reports")
    module.__path__ = [str(folder)]
    return AppConfig("reports", module)

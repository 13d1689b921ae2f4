"""What this project cannot do is found before it runs."""

from pathlib import Path
from types import ModuleType

import pytest
from celery import chord
from django.apps import AppConfig

from config.checks import check_chords
from tests.tasks import add, record


class ReportsConfig(AppConfig):
    def __init__(self, path: Path) -> None:
        self.path = str(path)
        super().__init__("reports", ModuleType("reports"))


def test_a_chord_in_an_app_is_found(tmp_path: Path) -> None:
    (tmp_path / "tasks.py").write_text("from celery import chord, shared_task\n")
    (tmp_path / "views.py").write_text("from celery import group\n")
    warnings = check_chords([ReportsConfig(tmp_path)])
    assert [(warning.id, "tasks.py" in warning.msg) for warning in warnings] == [
        ("celery.W001", True)
    ]


def test_a_chord_is_refused_when_it_is_sent() -> None:
    with pytest.raises(NotImplementedError):
        chord([add.s(1, 1), add.s(2, 2)])(record.s("nowhere"))

"""Code that looks for results where they never arrive is found before it waits for them."""

from pathlib import Path

import pytest

from config.checks.callers import check_callers
from tests.code import app_with


@pytest.mark.parametrize(
    "code",
    [
        "from celery.result import AsyncResult",
        "send_report.AsyncResult(task_id).state",
        "from celery.result import GroupResult",
    ],
)
def test_code_that_looks_a_result_up_is_found(code: str, tmp_path: Path) -> None:
    [warning] = check_callers([app_with(f"import reports\n{code}\n", tmp_path)])
    assert warning.id == "celery.W002"
    assert "views.py:2" in warning.msg


def test_code_that_waits_for_the_task_that_it_sent_is_fine(tmp_path: Path) -> None:
    code = "send_report.delay().get(timeout=1)"
    assert check_callers([app_with(code, tmp_path)]) == []

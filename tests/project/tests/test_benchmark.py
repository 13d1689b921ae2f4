"""`manage.py benchmark` measures the wiring with queues of its own, and leaves nothing behind."""

import json
import os
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from benchmark.measures import Figure
from benchmark.report import Report, save
from config.env import BASE_DIR
from health.wiring import waiting
from tests.fixtures import SECONDS, wait_until


def report(path: Path, **rates: float) -> Path:
    """A file with figures of tasks in a second, each of one round."""
    kept = Report(path.stem, {})
    kept.add({name: Figure(rate, "tasks/s") for name, rate in rates.items()})
    save([kept], path)
    return path


def compare(*files: Path) -> list[list[str]]:
    """The words of each line that the command prints about files."""
    output = StringIO()
    call_command("benchmark", compare=files, stdout=output)
    return [line.split() for line in output.getvalue().splitlines()]


@pytest.mark.usefixtures("worker")
@pytest.mark.django_db(transaction=True)
def test_it_measures_with_queues_of_its_own(tmp_path: Path) -> None:
    # Tasks of the tests before may still be under way.
    wait_until(lambda: not any(waiting().values()), what="the queues to be empty")
    options = ["--only", "throughput", "--tasks", "100", "--rounds", "1"]
    file = tmp_path / "kept.json"
    run = subprocess.run(
        [sys.executable, "manage.py", "benchmark", *options, "--save", str(file)],
        cwd=BASE_DIR,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings.test"},
        capture_output=True,
        text=True,
        check=False,
        # The worker of the tests would take some of them, and note none.
        timeout=10 * SECONDS,
    )
    assert run.returncode == 0, run.stderr
    kept: dict[str, Any] = json.loads(file.read_text())[0]
    assert kept["rounds"]["throughput"][0] > 0
    assert kept["rounds"]["enqueue"][0] > 0
    assert "throughput" in run.stdout
    assert not any(waiting().values())


def test_what_was_kept_is_compared_with_the_first(tmp_path: Path) -> None:
    slow = report(tmp_path / "slow.json", throughput=100, enqueue=50)
    fast = report(tmp_path / "fast.json", throughput=300)
    assert compare(slow, fast) == [
        ["slow", "fast"],
        ["throughput", "tasks/s", "100", "300", "3.00x"],
        ["enqueue", "tasks/s", "50.0", "-"],
    ]


def test_a_file_that_holds_no_figures_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text('{"name": "other"}')
    with pytest.raises(CommandError, match=r"other\.json holds no report: give a file that --save"):
        compare(tmp_path / "other.json")
    with pytest.raises(CommandError, match=r"missing\.json cannot be read: No such file"):
        compare(tmp_path / "missing.json")

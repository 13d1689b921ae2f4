"""`make new` asks, and makes a project or nothing."""

import subprocess
import sys
from pathlib import Path

from tools.generate import ROOT

DEFAULTS = "\n" * 20


def new(into: Path, *arguments: str, answers: str = DEFAULTS) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tools.new", f"into={into}", *arguments],
        cwd=ROOT,
        input=answers,
        capture_output=True,
        check=False,
        text=True,
    )


def test_a_project_is_made_of_the_answers(tmp_path: Path) -> None:
    run = new(tmp_path, answers="Blue Moon\n\nA text with {{ braces }}\n" + DEFAULTS)
    assert run.returncode == 0, run.stderr
    folder = run.stdout.partition("cd ")[2].partition("\n")[0]
    assert (ROOT / folder).resolve() == (tmp_path / "blue_moon").resolve()
    assert "A text with {{ braces }}" in (tmp_path / "blue_moon" / "README.md").read_text()


def test_answers_on_the_command_line_are_offered_first(tmp_path: Path) -> None:
    run = new(tmp_path, "broker=rabbitmq", "demo=false", "project_name={{ x")
    assert run.returncode == 0, run.stderr
    assert "CELERY_BROKER_URL=amqp" in (tmp_path / "x" / ".env").read_text()
    assert not (tmp_path / "x" / "pages").exists()


def test_a_misspelt_answer_is_refused_in_one_line_before_any_question(tmp_path: Path) -> None:
    run = new(tmp_path, "brocker=redis")
    assert run.returncode == 1
    assert run.stdout == ""
    assert run.stderr.count("\n") == 1


def test_answers_that_cannot_work_are_refused_in_one_line(tmp_path: Path) -> None:
    run = new(tmp_path / "code", "broker=sqs", "result_backend=rpc")
    assert run.returncode == 1
    assert run.stderr.startswith("result_backend=rpc cannot work with broker=sqs")
    assert run.stderr.count("\n") == 1
    assert not (tmp_path / "code").exists()


def test_nothing_is_made_when_the_questions_end_early(tmp_path: Path) -> None:
    run = new(tmp_path / "code", answers="Blue Moon\n")
    assert run.returncode == 130
    assert run.stderr == "\nInterrupted: no project was made.\n"
    assert not (tmp_path / "code").exists()


def test_a_project_that_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "my_project").mkdir()
    run = new(tmp_path)
    assert run.returncode == 1
    assert "exists already" in run.stderr
    assert run.stderr.count("\n") == 1
    assert list((tmp_path / "my_project").iterdir()) == []

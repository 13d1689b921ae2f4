"""`make new` makes a complete project or nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.disks import run_with_disk
from tools.generate import ROOT, choices

DEFAULTS = "\n" * 20


def new(
    into: Path, *arguments: str, answers: str = DEFAULTS, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tools.new", f"into={into}", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        input=answers,
        capture_output=True,
        check=False,
        encoding="utf-8",
        errors="surrogateescape",
    )


def test_a_project_is_made_from_the_answers(tmp_path: Path) -> None:
    run = new(tmp_path, answers="Blue Moon\n" + 12 * "\n" + "A text with {{ braces }}\n" + DEFAULTS)
    assert run.returncode == 0, run.stderr
    assert "project_name=Blue Moon, project_slug=blue_moon" in run.stdout.partition("Make this")[0]
    assert f"broker={choices()['broker'][0]}" in run.stdout
    folder = run.stdout.partition("cd ")[2].partition("\n")[0]
    assert (ROOT / folder).resolve() == (tmp_path / "blue_moon").resolve()
    assert "A text with {{ braces }}" in (tmp_path / "blue_moon" / "README.md").read_text()


def test_answers_on_the_command_line_become_the_defaults(tmp_path: Path) -> None:
    run = new(tmp_path, "broker=rabbitmq", "demo=false", "project_name={{ x")
    assert run.returncode == 0, run.stderr
    assert "CELERY_BROKER_URL=amqp" in (tmp_path / "x" / ".env").read_text()
    assert not (tmp_path / "x" / "gallery").exists()


def test_a_misspelt_answer_is_refused_in_one_line_before_any_question(tmp_path: Path) -> None:
    run = new(tmp_path, "brocker=x")
    assert run.returncode == 1
    assert run.stdout == ""
    assert run.stderr.count("\n") == 1


def test_answers_that_cannot_work_are_refused_in_one_line_before_any_question(
    tmp_path: Path,
) -> None:
    run = new(tmp_path / "code", "broker=sqs", "result_backend=rpc")
    assert run.returncode == 1
    assert run.stdout == ""
    assert run.stderr.startswith("result_backend=rpc cannot work with broker=sqs")
    assert run.stderr.count("\n") == 1
    assert not (tmp_path / "code").exists()


def test_nothing_is_made_when_the_questions_end_early(tmp_path: Path) -> None:
    run = new(tmp_path / "code", answers="Blue Moon\n")
    assert run.returncode == 130
    assert run.stderr == "\nInterrupted: no project was made.\n"
    assert not (tmp_path / "code").exists()


def test_nothing_is_made_without_confirmation(tmp_path: Path) -> None:
    run = new(tmp_path / "code", answers=len(choices()) * "\n" + "n\n")
    assert run.returncode == 1
    assert run.stderr == "No project was made.\n"
    assert not (tmp_path / "code").exists()


def test_an_existing_project_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "my_project").mkdir()
    run = new(tmp_path)
    assert run.returncode == 1
    assert "already exists" in run.stderr
    assert run.stderr.count("\n") == 1
    assert list((tmp_path / "my_project").iterdir()) == []


@pytest.mark.parametrize("inside", ["", "deeper/still"])
def test_a_file_in_the_way_of_the_folder_is_named_in_one_line(tmp_path: Path, inside: str) -> None:
    (tmp_path / "file").write_text("mine")
    run = new(tmp_path / "file" / inside)
    assert run.returncode == 1
    wrong = "No project was made: [Errno " if inside else f"{tmp_path / 'file'} is not a folder: "
    assert run.stderr.startswith(wrong)
    assert str(tmp_path / "file") in run.stderr
    assert run.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]


@pytest.mark.parametrize(
    ("disk", "reason"),
    [
        ("ro", "[Errno 30] Read-only file system"),
        ("size=16k", "[Errno 28] No space left on device"),
        ("size=200k", "[Errno 28] No space left on device"),
    ],
)
def test_a_full_or_read_only_disk_is_left_empty(disk: str, reason: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tools.new", f"into={tmp_path}"]
    run = run_with_disk(disk, tmp_path, command, typed=DEFAULTS)
    assert run.stderr.startswith(f"No project was made: {reason}")
    assert run.stderr.count("\n") == 1
    assert run.stdout.endswith("(y): \n")


def test_settings_for_other_templates_do_no_harm(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(
        "default_context: {author_name: '{{ Grace', broker: kafka, django: 5.2, demo: 0,"
        " license: [x], description: null, ci: none, full_name: {}}"
    )
    run = new(tmp_path, COOKIECUTTER_CONFIG=str(config))
    assert run.returncode == 0, run.stderr
    assert run.stderr == ""
    assert "Copyright (c) {{ Grace\n" in (tmp_path / "my_project" / "LICENSE").read_text()
    assert not (tmp_path / "my_project" / ".github").exists()


def test_an_unreadable_config_file_is_reported_in_one_line(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    for content in (b"a: [", b"- a", b"\xff"):
        config.write_bytes(content)
        run = new(tmp_path, COOKIECUTTER_CONFIG=str(config))
        assert run.returncode == 1
        assert run.stderr.count("\n") == 1
        assert list(tmp_path.iterdir()) == [config]


def test_invalid_unicode_is_refused_in_one_line(tmp_path: Path) -> None:
    run = new(tmp_path, answers="\udcff\n" + DEFAULTS)
    assert run.returncode == 1
    assert run.stderr.startswith("project_name contains a line break or a control character")
    run = new(tmp_path, "project_name=\udcff")
    assert run.returncode == 1
    assert run.stderr.startswith("project_name contains a line break or a control character")
    assert list(tmp_path.iterdir()) == []

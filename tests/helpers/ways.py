"""Ways to give answers. Each is a function that makes a project in folder/output."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import yaml

from tests.helpers.hostile import TEXT_KEYS
from tests.helpers.origin import copy_template
from tools.generate import ROOT, Answer, choices, escape

Run = subprocess.CompletedProcess[str]
Way = Callable[[Path, dict[str, Answer]], Run]

COOKIECUTTER = ("cookiecutter", "--output-dir=output")


def run(folder: Path, *command: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    """Run a Python module in folder, with an empty home directory."""
    return subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder,
        env={**os.environ, "HOME": str(folder), "PYTHONPATH": str(ROOT), "PWD": str(folder)},
        input=typed,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )


def typed(answers: dict[str, Answer]) -> str:
    """Return the input that answers the questions for text and accepts the other defaults."""
    lines = [answers[key] if key in TEXT_KEYS else "" for key in choices()]
    return "".join(f"{line}\n" for line in lines) + "\n" * 20


def on_the_command_line(folder: Path, answers: dict[str, Answer]) -> Run:
    words = [f"{key}={value}" for key, value in escape(answers).items()]
    return run(folder, *COOKIECUTTER, "--no-input", str(ROOT), *words)


def in_a_config_file(folder: Path, answers: dict[str, Answer]) -> Run:
    config = folder / "config.yaml"
    config.write_text(yaml.safe_dump({"default_context": escape(answers)}))
    return run(folder, *COOKIECUTTER, "--no-input", f"--config-file={config}", str(ROOT))


def in_a_replayed_file(folder: Path, answers: dict[str, Answer]) -> Run:
    file = folder / "answers.json"
    file.write_text(json.dumps({"cookiecutter": answers}))
    # A relative path, as contributors use it.
    template = os.path.relpath(ROOT, folder)
    return run(folder, *COOKIECUTTER, f"--replay-file={file}", template)


def typed_and_replayed(folder: Path, answers: dict[str, Answer]) -> Run:
    run(folder, *COOKIECUTTER, str(ROOT), typed=typed(answers))
    shutil.rmtree(folder / "output", ignore_errors=True)
    return run(folder, *COOKIECUTTER, "--replay", str(ROOT))


def given_to_cruft(folder: Path, answers: dict[str, Answer]) -> Run:
    """Commit the template first: cruft reads only commits."""
    template = copy_template(folder / "template")
    context = json.dumps(escape(answers))
    options = ("--output-dir=output", "--no-input", f"--extra-context={context}")
    return run(folder, "cruft", "create", str(template), *options)


def typed_at_make_new(folder: Path, answers: dict[str, Answer]) -> Run:
    return run(folder, "tools.new", "into=output", typed=typed(answers))


def given_to_make_new(folder: Path, answers: dict[str, Answer]) -> Run:
    words = [f"{key}={answers[key]}" for key in TEXT_KEYS]
    return run(folder, "tools.new", "into=output", *words, typed="\n" * 20)


WAYS: list[Way] = [
    on_the_command_line,
    in_a_config_file,
    in_a_replayed_file,
    typed_and_replayed,
    given_to_cruft,
    typed_at_make_new,
    given_to_make_new,
]

"""Tests of the machinery, which are copied into projects only to test them here.

They are in `tests/project/`, at the same paths as in a project. Those of one broker or one result
backend are in a folder of its name, in `tests/project/brokers/` or `tests/project/results/`.
"""

from functools import cache
from pathlib import Path

from tools.generate import MANIFEST, ROOT, Answers, context, environment, kept

FOLDER = ROOT / "tests" / "project"
CHOICES = {"brokers": "broker", "results": "result_backend"}


def machinery_tests(answers: Answers) -> dict[str, str]:
    """Return the tests that fit the answers, by their path in a project."""
    variables = context(answers)
    folders = [FOLDER / "tests"]
    for folder, question in CHOICES.items():
        folders.append(FOLDER / folder / str(variables["cookiecutter"][question]))
    texts = {f"tests/{path}": text for folder in folders for path, text in texts_in(folder).items()}
    manifest = (FOLDER / MANIFEST).read_text(encoding="utf-8")
    return kept(texts, environment().from_string(manifest).render(variables))


def add_machinery_tests(project: Path, answers: Answers) -> None:
    """Copy the tests that fit the answers into a project."""
    for path, text in machinery_tests(answers).items():
        file = project / path
        assert not file.exists(), f"The project already has a file {path}."
        file.write_text(text, encoding="utf-8")


@cache
def texts_in(folder: Path) -> dict[str, str]:
    """Return the texts of the files in a folder, by their paths there."""
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix != ".pyc"
    }

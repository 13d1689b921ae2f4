"""Tests of the machinery, which are copied into projects only to test them here.

They are in `tests/project/`, at the same paths as in a project.
"""

from functools import cache
from pathlib import Path

from tools.generate import MANIFEST, ROOT, Answers, context, environment, kept

FOLDER = ROOT / "tests" / "project"


def machinery_tests(answers: Answers) -> dict[str, str]:
    """Return the tests that fit the answers, by their path in a project."""
    texts = dict(_texts())
    manifest = environment().from_string(texts.pop(MANIFEST))
    return kept(texts, manifest.render(context(answers)))


def add_machinery_tests(project: Path, answers: Answers) -> None:
    """Copy the tests that fit the answers into a project."""
    for path, text in machinery_tests(answers).items():
        file = project / path
        assert not file.exists(), f"The project already has a file {path}."
        file.write_text(text, encoding="utf-8")


@cache
def _texts() -> dict[str, str]:
    return {
        path.relative_to(FOLDER).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(FOLDER.rglob("*"))
        if path.is_file() and path.suffix != ".pyc"
    }

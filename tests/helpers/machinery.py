"""Tests of the template's machinery: a project has them while it is tested here, its team has not.

They lie in `tests/project/`, at the paths that they have in a project.
"""

from functools import cache
from pathlib import Path

from tools.generate import MANIFEST, ROOT, Answers, context, environment, kept

FOLDER = ROOT / "tests" / "project"


def machinery_tests(answers: Answers) -> dict[str, str]:
    """Return the text of each test that fits the answers, by its path in a project."""
    texts = dict(_texts())
    manifest = environment().from_string(texts.pop(MANIFEST))
    return kept(texts, manifest.render(context(answers)))


def add_machinery_tests(project: Path, answers: Answers) -> None:
    """Copy the tests that fit the answers into a project that was made with them."""
    for path, text in machinery_tests(answers).items():
        file = project / path
        assert not file.exists(), f"{path} is a file of the project, too."
        file.write_text(text, encoding="utf-8")


@cache
def _texts() -> dict[str, str]:
    return {
        path.relative_to(FOLDER).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(FOLDER.rglob("*"))
        if path.is_file() and path.suffix != ".pyc"
    }

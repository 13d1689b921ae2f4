"""Each system check has a test and is documented."""

import re
from fnmatch import fnmatch

import pytest

from tests.helpers.rendered import Project

# One process renders everything, to reuse compiled templates.
pytestmark = pytest.mark.xdist_group("rendering")


def test_each_check_has_a_test_and_is_explained(projects: list[Project]) -> None:
    def ids(project: Project, path: str, pattern: str) -> set[str]:
        texts = [file.text for file in project.files if fnmatch(file.path, path)]
        return {found for text in texts for found in re.findall(pattern, text, re.MULTILINE)}

    tested: set[str] = set()
    known: set[str] = set()
    for project in projects:
        checks = ids(project, "task_queue/*.py", r'id="(task_queue\.[EW]\d{3})"')
        assert checks == ids(project, "docs/deploy.md", r"^\| `(task_queue\.[EW]\d{3})` \|")
        tested |= ids(project, "tests/test_checks*.py", r"task_queue\.[EW]\d{3}")
        known |= checks
    assert tested == known

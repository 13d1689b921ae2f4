"""New brokers and result backends need only their own files and a line in cookiecutter.json."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers import made_up
from tests.helpers.make import run
from tests.helpers.origin import commit, copy_repository

# The tests share one copy.
pytestmark = pytest.mark.xdist_group("adding")

QUICK = (sys.executable, "-m", "pytest", "--quiet", "-m", "not exhaustive")
# Leave out tests of texts, of the size of real projects, and of files that tools write.
OTHERS = "text or small or steps or preset or up_to_date or recorded"
WANTED = ("-k", f"always or never or not (alone or {OTHERS})")


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of this repository with two more brokers and result backends."""
    folder = copy_repository(tmp_path_factory.mktemp("template"))
    made_up.add_to(folder)
    commit(folder)
    return folder


def test_the_existing_tests_cover_the_new_choices(copy: Path) -> None:
    fast = "rendering", "test_answers.py", "test_template.py"
    run(copy, *QUICK, *(f"tests/{path}" for path in fast), *WANTED)
    found = subprocess.check_output(
        [*QUICK, "--collect-only", "tests/test_wiring.py"], cwd=copy, text=True
    )
    assert "test_a_project_passes_its_own_tests[alwaysbroker-" in found


@pytest.mark.parametrize("name", ["always", "never"])
def test_a_project_with_the_new_choices_passes_lint_and_checks(
    name: str, copy: Path, tmp_path: Path
) -> None:
    answers = {"broker": f"{name}broker", "result_backend": f"{name}results"}
    code = (
        "from pathlib import Path; from tools.generate import generate;"
        f" generate({answers!r}, Path({str(tmp_path)!r}))"
    )
    run(copy, sys.executable, "-c", code)
    project = tmp_path / "my_project"
    assert (project / "flowerconfig.py").exists() == (name == "always")
    run(project, "uv", "sync", "--quiet")
    run(project, "make", "lint", "check")


@pytest.mark.exhaustive
def test_the_fast_tier_passes_with_the_new_choices(copy: Path) -> None:
    run(copy, sys.executable, "-m", "tools.reference")
    run(copy, sys.executable, "-m", "tools.switching")
    run(copy, "make", "lint")
    run(copy, *QUICK, "tests/docs", "tests/test_hooks.py", *WANTED)
    others = "environment", "monitoring", "new", "prose"
    run(copy, *QUICK, "tests/hostile", *(f"tests/test_{name}.py" for name in others), *WANTED)
    run(copy, *QUICK, "tests/test_types.py", "tests/test_switching.py", "-k", "always or never")


@pytest.mark.parametrize("folder", ["brokers", "results"])
def test_a_choice_without_its_file_fails_the_tests(folder: str, copy: Path) -> None:
    name = "neverbroker" if folder == "brokers" else "neverresults"
    file = copy / "templates" / folder / f"{name}.jinja"
    text = file.read_text(encoding="utf-8")
    file.unlink()
    command = [*QUICK, "tests/test_template.py", "-k", "one_file"]
    noticed = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)
    file.write_text(text, encoding="utf-8")
    assert noticed.returncode
    assert f"test_each_choice_has_one_file_and_each_file_is_a_choice[{folder}-" in noticed.stdout

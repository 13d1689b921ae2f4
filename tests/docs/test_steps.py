"""The steps in the documentation lead to what it promises."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.helpers.make import make, run
from tests.helpers.origin import commit, copy_repository, copy_template
from tests.helpers.pages import DOCS, blocks
from tests.helpers.team import replace
from tools.generate import Answers, generate
from tools.process import Process
from tools.services import serve


@pytest.mark.parametrize("way", ["cookiecutter --config-file", "cookiecutter", "cruft create"])
def test_a_preset_answers_for_everyone(way: str, tmp_path: Path) -> None:
    preset = DOCS / "team.yaml"
    page = DOCS / "presets.md"
    assert blocks(page, "yaml") == [preset.read_text(encoding="utf-8").partition("\n")[2]]
    [_, _, _, option, file, *answers] = shlex.split(blocks(page, "sh")[0])
    assert (option, file) == ("--config-file", "team.yaml")
    command, *options = way.split()
    named = {} if options == [option] else {"COOKIECUTTER_CONFIG": str(preset)}
    name = ["--extra-context", '{"project_name": "My Shop"}', "--no-input"]
    subprocess.run(
        [sys.executable, "-m", command]
        + [*options, *([str(preset)] if options == [option] else [])]
        + [str(copy_template(tmp_path / "template"))]
        + (name if command == "cruft" else answers),
        cwd=tmp_path,
        env={**os.environ, "HOME": str(tmp_path), **named},
        check=True,
    )
    record = json.loads((tmp_path / "my_shop" / ".cruft.json").read_text(encoding="utf-8"))
    taken = record["context"]["cookiecutter"]
    given = yaml.safe_load(preset.read_text(encoding="utf-8"))["default_context"]
    assert {key: taken[key] for key in given} == given
    assert taken["project_name"] == "My Shop"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a copy of this repository for changes."""
    return copy_repository(tmp_path)


def follow(page: Path, copy: Path) -> None:
    """Run the commands of a page except `make` in a copy, and test its files."""
    for block in blocks(page, "sh"):
        if not block.startswith("make "):
            run(copy, "bash", "-euc", block)
    run(copy, sys.executable, "-m", "pytest", "--quiet", "tests/test_template.py")


def rendered(copy: Path, answers: Answers) -> dict[str, str]:
    """Return the files of a project from the copy."""
    code = f"import json, tools.generate; print(json.dumps(tools.generate.render({answers!r})))"
    return dict(json.loads(subprocess.check_output([sys.executable, "-c", code], cwd=copy)))


def test_the_steps_to_a_template_of_your_own_work(copy: Path) -> None:
    follow(DOCS / "forking.md", copy)
    pages = "links_are or index_links or each_claim or every_broker"
    run(copy, sys.executable, "-m", "pytest", "--quiet", "tests/docs", "-k", pages)
    files = rendered(copy, {})
    assert "CELERY_BROKER_URL=amqp://" in files[".env.example"]
    assert files["CODEOWNERS"] == "* @example/platform\n"
    assert '"django-axes>=8"' in files["pyproject.toml"]
    assert 'LANGUAGE_CODE = "de"' in files["config/settings/base.py"]
    questions = json.loads((copy / "cookiecutter.json").read_text(encoding="utf-8"))
    assert questions["broker"] == ["rabbitmq", "redis", "sqs"]
    assert "OWNER" not in (copy / "README.md").read_text(encoding="utf-8")
    assert "\nCopyright (c) Example Ltd.\n" in (copy / "LICENSE").read_text(encoding="utf-8")


@pytest.mark.exhaustive
def test_a_template_of_your_own_passes_make_check(copy: Path) -> None:
    follow(DOCS / "forking.md", copy)
    assert "make check\n" in blocks(DOCS / "forking.md", "sh")
    run(copy, "make", "check")


def test_the_steps_to_a_new_choice_work(copy: Path) -> None:
    follow(DOCS / "adding-a-choice.md", copy)
    files = rendered(copy, {"broker": "keydb", "result_backend": "files"})
    assert files["docs/broker.md"].startswith("# KeyDB\n")
    assert "is a file in the folder" in files["docs/tasks.md"]


@pytest.mark.exhaustive
def test_the_templates_own_tests_pass_with_the_new_choices(copy: Path) -> None:
    follow(DOCS / "adding-a-choice.md", copy)
    run(copy, "make", "docs", "switching")
    # A project records its template only if it is a repository.
    commit(copy)
    pytest_here = (sys.executable, "-m", "pytest", "--quiet", "-m", "not exhaustive")
    run(copy, *pytest_here, "tests/test_answers.py", "tests/test_template.py")
    run(copy, *pytest_here, "tests/docs", "-k", "not steps and not preset and not recorded")
    run(copy, *pytest_here, "tests/rendering/test_only_the_choices.py")
    # One project on the new broker, the kill of a worker, types and switches.
    run(copy, *pytest_here, "tests", "-k", "keydb")


@pytest.mark.exhaustive
def test_tasks_run_on_the_new_choices(copy: Path) -> None:
    follow(DOCS / "adding-a-choice.md", copy)
    [command] = [block for block in blocks(DOCS / "adding-a-choice.md", "sh") if "try" in block]
    answers = shlex.split(command.splitlines()[-1])[2:]
    run(copy, sys.executable, "-m", "tools.try_project", *answers, "demo=false")


@pytest.mark.exhaustive
def test_the_tutorial_ends_with_a_test_that_passes(tmp_path: Path) -> None:
    tasks, shell, test = blocks(DOCS / "tutorial.md", "python")
    project = generate({"project_slug": "my_project"}, tmp_path)
    with serve(project, {}, tmp_path):
        make(project, "install")
        run(project, "uv", "run", "manage.py", "startapp", "reports")
        settings = project / "config" / "settings" / "base.py"
        replace(settings, "    # Yours\n", '    # Yours\n    "reports",\n')
        (project / "reports" / "tasks.py").write_text(tasks, encoding="utf-8")
        (project / "tests" / "test_reports.py").write_text(test, encoding="utf-8")
        run(project, "uv", "run", "pytest", "tests/test_reports.py")
        typed = re.sub(r"(count_words\..*timeout=)10(.*)", r"assert \g<1>240\2 == 3", shell)
        assert typed != shell
        worker = ["uv", "run", "celery", "-A", "config", "worker", "--pool", "solo"]
        with Process(project, worker, log=tmp_path / "worker.log"):
            run(project, "uv", "run", "manage.py", "shell", "--command", typed)
        make(project, "format", "lint", "types")

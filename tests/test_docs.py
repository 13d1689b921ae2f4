"""What the pages say is so: links lead somewhere, commands and answers exist, and steps work."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.make import make, run
from tests.test_adding_a_broker import COPIED
from tools.generate import ROOT, TEMPLATE, Answers, choices, generate, parse, render
from tools.reference import pages
from tools.servers import SERVERS
from tools.services import point_at

DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md"))]
# What `make` takes beside answers.
OTHERS = {"brokers", "into", "results", "template", "to"}


def by_name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path, language: str) -> list[str]:
    """Return the code of a page that is in a language."""
    text = page.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    """Return what a link can say behind `#`, as GitHub makes it of headings."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def commands(page: Path) -> Iterator[list[str]]:
    """Yield the words of each command on a page, be it in a block or in a sentence."""
    text = page.read_text(encoding="utf-8")
    lines = "".join(blocks(page, "sh")).replace("\\\n", " ").splitlines()
    spoken = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S))
    for line in [*lines, *spoken]:
        if line.startswith(("make ", "uvx cookiecutter ", "pipx run cookiecutter ")):
            yield shlex.split(line, comments=True)


@pytest.mark.parametrize("page", PAGES, ids=by_name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        path, _, anchor = link.partition("#")
        if path.startswith("https://"):
            continue
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_the_index_leads_to_every_page() -> None:
    index = DOCS / "README.md"
    links = re.findall(r"\]\(([^)#\s]+)\)", index.read_text(encoding="utf-8"))
    found = {(DOCS / link).resolve() for link in links}
    assert not {page for page in DOCS.rglob("*.md") if page != index} - found


@pytest.mark.parametrize("page", PAGES, ids=by_name)
def test_commands_are_there_and_so_are_the_answers_that_they_take(page: Path) -> None:
    makefiles = (ROOT / "Makefile").read_text(encoding="utf-8") + render({})["Makefile"]
    targets = set(re.findall(r"^([a-z-]+):", makefiles, re.MULTILINE))
    for words in commands(page):
        pairs = [word for word in words if re.match(r"[a-z_]+=", word)]
        if words[0] == "make":
            assert {word for word in words[1:] if re.fullmatch(r"[a-z-]+", word)} <= targets, words
        # What the page of new choices adds is not here yet.
        answers = [pair for pair in pairs if pair.partition("=")[0] not in OTHERS]
        if page.name != "adding-a-choice.md":
            parse(answers)


def test_the_reference_says_what_there_is() -> None:
    for name, text in pages().items():
        assert (DOCS / name).read_text(encoding="utf-8") == text, "Run `make docs`."


def test_each_variable_of_the_environment_is_explained() -> None:
    text = (DOCS / "settings.md").read_text(encoding="utf-8").partition("## Celery")[0]
    rows = re.findall(r"^\| `(\w+)` \| .*? \|(.*?)\|", text, re.MULTILINE)
    assert {"SECRET_KEY", "REDIS_PASSWORD"} <= {name for name, _ in rows}
    assert not [name for name, reason in rows if not reason.strip()]


@pytest.mark.parametrize("way", ["--config-file", "COOKIECUTTER_CONFIG"])
def test_a_preset_answers_for_everyone(way: str, tmp_path: Path) -> None:
    preset = DOCS / "team.yaml"
    page = DOCS / "presets.md"
    assert blocks(page, "yaml") == [preset.read_text(encoding="utf-8").partition("\n")[2]]
    [uvx, _, _, option, file, *answers] = shlex.split(blocks(page, "sh")[0])
    assert (uvx, option, file) == ("uvx", "--config-file", "team.yaml")
    given, named = ([way, str(preset)], {}) if way == option else ([], {way: str(preset)})
    subprocess.run(
        [sys.executable, "-m", "cookiecutter", str(ROOT), *given, *answers],
        cwd=tmp_path,
        env={**os.environ, "HOME": str(tmp_path), **named},
        check=True,
    )
    project = tmp_path / "my_shop"
    assert "CELERY_BROKER_URL=amqp://" in (project / ".env.example").read_text(encoding="utf-8")
    assert (project / ".gitlab-ci.yml").exists()
    assert "Example Ltd." in (project / "LICENSE").read_text(encoding="utf-8")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of this repository, to be changed."""
    for name in (*COPIED, TEMPLATE.name):
        source, target = ROOT / name, tmp_path / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    return tmp_path


def follow(page: Path, copy: Path) -> None:
    """Do in a copy what a page says, save what this test does in its place."""
    for block in blocks(page, "sh"):
        if not block.startswith("make "):
            run(copy, "bash", "-euc", block)
    run(copy, sys.executable, "-m", "pytest", "--quiet", "tests/test_template.py")


def rendered(copy: Path, answers: Answers) -> dict[str, str]:
    """Return the files of a project that the copy makes."""
    code = f"import json, tools.generate; print(json.dumps(tools.generate.render({answers!r})))"
    return dict(json.loads(subprocess.check_output([sys.executable, "-c", code], cwd=copy)))


def test_the_steps_to_a_template_of_your_own_work(copy: Path) -> None:
    follow(DOCS / "forking.md", copy)
    files = rendered(copy, {})
    assert "CELERY_BROKER_URL=amqp://" in files[".env.example"]
    assert files["CODEOWNERS"] == "* @example/platform\n"
    assert '"django-axes>=8"' in files["pyproject.toml"]
    assert 'LANGUAGE_CODE = "de"' in files["config/settings/base.py"]
    questions = json.loads((copy / "cookiecutter.json").read_text(encoding="utf-8"))
    assert questions["broker"] == ["rabbitmq", "redis", "sqs"]


def test_the_steps_to_a_new_choice_work(copy: Path) -> None:
    follow(DOCS / "adding-a-choice.md", copy)
    files = rendered(copy, {"broker": "keydb", "result_backend": "files"})
    assert "## KeyDB" in files["README.md"]
    assert "is a file in the folder" in files["README.md"]


@pytest.mark.exhaustive
def test_tasks_run_on_the_new_choices(copy: Path) -> None:
    follow(DOCS / "adding-a-choice.md", copy)
    [command] = [block for block in blocks(DOCS / "adding-a-choice.md", "sh") if "try" in block]
    answers = shlex.split(command)[2:]
    run(copy, sys.executable, "-m", "tools.try_project", *answers, "demo=false")


@pytest.mark.exhaustive
def test_the_tutorial_ends_with_a_test_that_passes(tmp_path: Path) -> None:
    tasks, _, test = blocks(DOCS / "tutorial.md", "python")
    with SERVERS["redis"](tmp_path / "redis") as server:
        project = generate({"project_slug": "my_project"}, tmp_path)
        point_at(project, [server])
        make(project, "install")
        run(project, "uv", "run", "manage.py", "startapp", "reports")
        (project / "reports" / "tasks.py").write_text(tasks, encoding="utf-8")
        (project / "tests" / "test_reports.py").write_text(test, encoding="utf-8")
        run(project, "uv", "run", "pytest", "tests/test_reports.py")
        make(project, "format", "lint", "types")


def test_every_choice_of_a_broker_has_its_reasons() -> None:
    assert {page.stem for page in (DOCS / "brokers").glob("*.md")} == set(choices()["broker"])

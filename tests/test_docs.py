"""Links, commands, answers, figures and steps in the documentation are right."""

import json
import os
import posixpath
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
import yaml

from tests.helpers.make import make, run
from tests.helpers.origin import commit, copy_template
from tests.helpers.team import replace
from tools import switching
from tools.generate import ROOT, Answers, choices, facts, generate, parse, render
from tools.process import Process
from tools.reference import Setting, assigned, pages, settings, table, variations
from tools.services import serve

DOCS = ROOT / "docs"
CLAIMS = ROOT / "tests" / "README.md"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md"))]
# Variables of `make` that are not answers.
OTHERS = {"brokers", "busy", "into", "keep", "results", "template", "times", "to"}
# Pages whose commands run in a project even without `cd`.
IN_PROJECTS = {"switching.md", "updating.md"}
# Django's own commands in the pages.
DJANGO = "check collectstatic createcachetable dumpdata loaddata migrate startapp".split()
# Paths in a project's pages that are not generated, and a URL path.
MADE = {".uv/bin/uv", "admin/", "reports/tasks.py", "reports/tests.py", "tasks.py", "tests.py"}
PATH = re.compile(r"[\w.-]+(/[\w.-]+)+/?|[\w.-]+\.(md|py|toml|yaml|yml)|\w+/")
COMMAND = re.compile(
    r"(uv run |uvx |pipx run |python )?(?=(make|manage\.py|cruft|cookiecutter|git) )"
)
TARGET = re.compile(r"^([a-z-]+):", re.MULTILINE)


def by_name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path, language: str) -> list[str]:
    """Return the code blocks of a page in a language."""
    return code(page.read_text(encoding="utf-8"), language)


def code(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def prose(text: str) -> str:
    return re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)


def anchors(text: str) -> set[str]:
    """Return the anchors that GitHub gives to headings."""
    headings = re.findall(r"^#+ (.+)$", prose(text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def commands(lines: list[str]) -> Iterator[list[str]]:
    """Yield the words of each line that is a known command."""
    for line in lines:
        if found := COMMAND.match(line):
            yield shlex.split(line[found.end() :], comments=True)


@pytest.mark.parametrize("page", PAGES, ids=by_name)
def test_links_are_not_broken(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(page.read_text(encoding="utf-8"))):
        path, _, anchor = link.partition("#")
        if path.startswith("https://"):
            continue
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target.read_text(encoding="utf-8")), link


def test_the_index_links_to_every_page() -> None:
    index = DOCS / "README.md"
    links = re.findall(r"\]\(([^)#\s]+)\)", index.read_text(encoding="utf-8"))
    found = {(DOCS / link).resolve() for link in links}
    assert not {page for page in DOCS.rglob("*.md") if page != index} - found


def test_the_site_has_every_page(tmp_path: Path) -> None:
    shutil.copytree(DOCS, tmp_path / "docs")
    shutil.copy(ROOT / "zensical.toml", tmp_path)
    run(tmp_path, "zensical", "build", "--strict")
    home = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    for page in DOCS.rglob("*.md"):
        if page.name != "README.md":
            assert f'href="{page.relative_to(DOCS).with_suffix("").as_posix()}/"' in home, page
    menu = tomllib.loads((ROOT / "zensical.toml").read_text(encoding="utf-8"))["project"]["nav"]
    listed = re.findall(r"[\w/-]+\.md", json.dumps(menu))
    assert {*listed} == {page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md")}


def check(words: list[str], makefile: str, files: dict[str, str]) -> None:
    """Fail the test unless the command exists."""
    name, *rest = words
    if name == "make":
        targets = [word for word in rest if re.fullmatch(r"[a-z-]+", word)]
        assert not set(targets) - {*TARGET.findall(makefile)}, words
    elif name == "manage.py":
        own = {Path(path).stem for path in files if "/management/commands/" in path}
        assert rest[0] in own | {*DJANGO}, words
    elif name == "git":
        # The help of an unknown command is an error.
        told = subprocess.run(["git", rest[0], "-h"], capture_output=True, text=True, check=False)
        assert "not a git command" not in told.stderr, words
    else:
        options = [word for word in rest if word.startswith("-")]
        verb = rest[:1] if name == "cruft" else []
        told = subprocess.run(
            [sys.executable, "-m", name, *verb, "--help"],
            env={**os.environ, "COLUMNS": "200"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert told.returncode == 0, words
        assert not [option for option in options if option not in told.stdout], words


def in_blocks(page: Path) -> Iterator[tuple[str, bool]]:
    """Yield the shell lines of a page, and whether they run in a project."""
    in_project = page.name in IN_PROJECTS
    for line in "".join(blocks(page, "sh")).replace("\\\n", " ").splitlines():
        in_project = in_project or bool(re.match(r"cd .*my_project", line))
        yield line, in_project


def in_sentences(text: str) -> list[str]:
    return re.findall(r"`([^`\n]+)`", prose(text))


@pytest.mark.parametrize("page", PAGES, ids=by_name)
def test_commands_and_their_answers_exist(page: Path) -> None:
    files = render({})
    ours, theirs = (ROOT / "Makefile").read_text(encoding="utf-8"), files["Makefile"]
    run = [(line, theirs if in_project else ours) for line, in_project in in_blocks(page)]
    said = [(line, ours + theirs) for line in in_sentences(page.read_text(encoding="utf-8"))]
    for line, makefile in [*run, *said]:
        for words in commands([line]):
            check(words, makefile, files)
            pairs = [word for word in words if re.match(r"[a-z_]+=", word)]
            # The page on new choices adds choices that do not exist yet.
            answers = [pair for pair in pairs if pair.partition("=")[0] not in OTHERS]
            if page.name != "adding-a-choice.md":
                parse(answers)


def pages_of_projects() -> Iterator[tuple[str, str, dict[str, str]]]:
    """Yield the path and text of each distinct page of a project, and the project's files."""
    found = {}
    for _, _, files in variations():
        for path in files:
            if path == "README.md" or path.startswith("docs/"):
                found[path, files[path]] = files
    for (path, text), files in found.items():
        yield path, text, files


def test_commands_in_the_pages_of_a_project_exist() -> None:
    for _, text, files in pages_of_projects():
        blocks = "".join(code(text, "sh")).splitlines()
        for words in commands([*blocks, *in_sentences(text)]):
            check(words, files["Makefile"], files)


def test_links_in_the_pages_of_a_project_are_not_broken() -> None:
    for page, text, files in pages_of_projects():
        for link in re.findall(r"\]\(([^)\s]+)\)", prose(text)):
            path, _, anchor = link.partition("#")
            if not path.startswith("https://"):
                target = posixpath.join(posixpath.dirname(page), path) if path else page
                assert target in files, f"{page}: {link}"
                assert not anchor or anchor in anchors(files[target]), f"{page}: {link}"


def test_files_named_in_the_pages_of_a_project_exist() -> None:
    for page, text, files in pages_of_projects():
        layout = re.findall(r"^([\w/]+) ", "".join(code(text, "text")), re.MULTILINE)
        paths = [name for name in in_sentences(text) if PATH.fullmatch(name)]
        folders = {f"{folder}/" for file in files for folder in Path(file).parents}
        missing = {*layout, *paths} - files.keys() - folders - MADE
        assert not missing, page


def test_the_reference_is_up_to_date() -> None:
    for name, text in pages().items():
        assert (DOCS / name).read_text(encoding="utf-8") == text, "Run `make docs`."


def rows(section: str) -> list[list[str]]:
    """Return the table rows of a section of the reference."""
    text = (DOCS / "settings.md").read_text(encoding="utf-8")
    table = text.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    lines = re.findall(r"^\| `.*$", table, re.MULTILINE)
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def test_each_variable_and_each_setting_of_celery_is_explained() -> None:
    variables, celery = rows("The environment"), rows("Celery")
    assert {"`SECRET_KEY`", "`REDIS_PASSWORD`"} <= {name for name, *_ in variables}
    assert {"`CELERY_TASK_ACKS_LATE`", "`CELERY_TASK_QUEUES`"} <= {name for name, *_ in celery}
    assert not [name for name, _, reason, _ in variables + celery if not reason]


def test_each_setting_of_django_is_in_the_reference() -> None:
    names = {name.strip("`").partition(" ")[0] for name, *_ in rows("Django")}
    assert {"CACHES", "LOGGING", "SECURE_CSP", "TASKS", "STORAGES"} <= names


def test_a_comment_explains_only_the_setting_below_it() -> None:
    text = "# One.\nA = 1\nB = 2\n# Two.\nC['x'] = 3\nD = {\n    # Three.\n    'x': 1,\n}\n"
    text += "if A:\n    # Four.\n    E = 4\n    F = 5\n"
    reasons = {name: setting.reason for name, setting in assigned(text, 99).items()}
    assert reasons == {"A": "One.", "B": "", "D": "", "E": "Four.", "F": ""}


def test_each_value_of_a_setting_has_its_own_reason() -> None:
    found = {("X", "1", ""): Setting("For one.", "`1`"), ("X", "2", ""): Setting("", "`2`")}
    assert list(table("value", found))[2:] == ["| `X` | `1` | For one. |  |", "| `X` | `2` |  |  |"]


def test_the_example_of_an_address_is_that_of_its_choice() -> None:
    rows = re.findall(r"`CELERY_BROKER_URL` \|  \| such as `(.*)` \| (.*) \|", settings())
    for broker in choices()["broker"]:
        if example := facts({"broker": broker}).broker.example:
            assert re.search(rf"\b{broker}\b", dict(rows)[example])


def test_the_recorded_questions_are_those_of_today() -> None:
    picture = (DOCS / "new.svg").read_text(encoding="utf-8")
    shown = "".join(unescape(re.sub(r"<[^>]+>", "", picture)).split())
    prompts = json.loads((ROOT / "cookiecutter.json").read_text("utf-8"))["__prompts__"].values()
    for prompt in prompts:
        texts = [prompt] if isinstance(prompt, str) else prompt.values()
        for text in texts:
            assert "".join(text.split()) in shown, "run `make screenshot`"


def test_each_measured_table_has_its_place_in_the_page() -> None:
    page = (DOCS / "speed.md").read_text(encoding="utf-8")
    for file in (ROOT / "benchmarks").glob("*.py"):
        for command in re.findall(r'write\("(make \w+)"', file.read_text(encoding="utf-8")):
            assert f"<!-- {command} -->\n" in page
            assert f"<!-- end of {command} -->\n" in page


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
    names = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.check_output(names, cwd=ROOT, text=True).split("\0")[:-1]:
        if (ROOT / name).exists():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


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
    run(copy, sys.executable, "-m", "pytest", "--quiet", "tests/test_docs.py", "-k", pages)
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
    run(copy, *pytest_here, "tests/test_docs.py", "-k", "not steps and not preset and not recorded")
    run(copy, *pytest_here, "tests/rendering/test_only_the_choices.py")


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
        typed = re.sub(r"(count_words\..*timeout=)10(.*)", r"assert \g<1>60\2 == 3", shell)
        assert typed != shell
        worker = ["uv", "run", "celery", "-A", "config", "worker", "--pool", "solo"]
        with Process(project, worker, log=tmp_path / "worker.log"):
            run(project, "uv", "run", "manage.py", "shell", "--command", typed)
        make(project, "format", "lint", "types")


def test_each_claim_names_tests_of_its_tier() -> None:
    rows = re.findall(r"^\|(?! claim|---)(.+)\|$", CLAIMS.read_text(encoding="utf-8"), re.M)
    assert len(rows) > 20
    for claim, *tiers in (row.split("|") for row in rows):
        named = [re.findall(r"`([\w/]+\.py)::(\w+)`", tier) for tier in tiers]
        assert any(named), claim
        for tests, exhaustive in zip(named, (False, True), strict=True):
            for path, name in tests:
                text = (CLAIMS.parent / path).read_text(encoding="utf-8")
                assert f"\ndef {name}(" in text, f"{path} does not contain {name}"
                before = text.partition(f"\ndef {name}(")[0].rpartition("\n\n\n")[2]
                marked = "@pytest.mark.exhaustive\n" in f"{before}\n"
                assert marked == exhaustive, f"{name} is in the wrong column"


def test_the_readme_is_short_and_begins_with_commands() -> None:
    page = ROOT / "README.md"
    assert page.read_text(encoding="utf-8").count("\n") < 100
    assert blocks(page, "sh")[:2] == ["make try\n", "make test\n"]


def test_figures_in_the_readme_are_on_the_linked_pages() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    facts = text.partition("\n## Why\n")[2].partition("\n## ")[0].split("\n- ")[1:]
    assert len(facts) == 4
    for fact in facts:
        pages = [
            (ROOT / link).read_text(encoding="utf-8") for link in re.findall(r"\((\S+)\)", fact)
        ]
        assert pages
        for figure in re.findall(r"[\d.]*\d", fact):
            assert re.search(rf"(?<![\d.]){re.escape(figure)}(?!\d)", "".join(pages)), figure
    lost = re.findall(
        r"^\|(?: [^|]+ \|){4} (\d+) \|", (DOCS / "faults.md").read_text(), re.MULTILINE
    )
    assert set(lost) == {"0"}


def test_every_broker_has_a_page() -> None:
    assert {page.stem for page in (DOCS / "brokers").glob("*.md")} == set(choices()["broker"])


FAULTS = {
    "a worker is killed": "a worker is killed",
    "the broker, which is the database, is killed": "the broker is killed",
    "a silent network partition": "a network partition",
}


@pytest.mark.parametrize("page", sorted((DOCS / "brokers").glob("*.md")), ids=by_name)
def test_seconds_on_the_page_of_a_broker_are_as_measured(page: Path) -> None:
    rows = re.findall(r"^\| (.*?) \|", (DOCS / "faults.md").read_text(), re.MULTILINE)
    assert set(FAULTS.values()) <= set(rows)
    said = re.findall(r"^\| (.*?) \| about (\d+) s", page.read_text(), re.MULTILINE)
    # A new broker is measured by `make faults`.
    assert said or f"| {page.stem} |" not in (DOCS / "faults.md").read_text()
    for what, seconds in said:
        [fault] = [fault for start, fault in FAULTS.items() if what.startswith(start)]
        line = rf"^\| {fault} \| {page.stem} \|.*\| ([\d.]+) \|$"
        [measured] = re.findall(line, (DOCS / "faults.md").read_text(), re.MULTILINE)
        # Measurements differ a little each time.
        assert int(seconds) == pytest.approx(float(measured), rel=0.25, abs=1)


def test_the_version_is_the_newest_in_the_changelog() -> None:
    told = re.findall(r"^## \[(\d.*?)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    own = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert told[0] == own["version"]
    locked = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    assert [p["version"] for p in locked if p["name"] == own["name"]] == [own["version"]]
    tag = ["git", "describe", "--tags", "--abbrev=0"]
    run = subprocess.run(tag, cwd=ROOT, capture_output=True, text=True, check=False)
    # The newest version may not be tagged yet.
    assert run.returncode or run.stdout.strip() in [f"v{version}" for version in told[:2]]
    named = re.findall(r"to=v([\d.]+)", "".join(page.read_text() for page in PAGES))
    assert named
    assert not set(named) - set(told)


def test_the_page_on_switching_is_up_to_date() -> None:
    page = switching.PAGE.read_text(encoding="utf-8")
    assert page.endswith(f"\n\n{switching.tables()}"), "Run `make switching`."

"""Answers of any kind make a whole project with the text intact, or are refused in one line."""

import ast
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from _pytest.mark import ParameterSet
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jinja2 import Template

from tests.make import OURS, make
from tests.origin import copy_template
from tools.combinations import every, pairwise
from tools.generate import (
    ERROR,
    PRE_HOOK,
    ROOT,
    Answer,
    Refused,
    choices,
    environment,
    escape,
    generate,
    parse,
    refusal,
    render,
)

Run = subprocess.CompletedProcess[str]
Way = Callable[[Path, dict[str, Answer]], Run]

COOKIECUTTER = ("cookiecutter", "--output-dir=output")
TEXT_KEYS = ("project_name", "project_slug", "description", "author_name", "author_email")
# These take any text.
TEXTS = ("project_name", "description", "author_name")
DEFAULTS: dict[str, Answer] = {
    "project_name": "My Project",
    "project_slug": "my_project",
    "description": "A Django project with Celery.",
    "author_name": "Ada Lovelace",
    "author_email": "ada@example.com",
    **{key: allowed[0] for key, allowed in choices().items() if allowed},
}

INTACT = [
    """O'Neill "the" \\back\\slash\\""",
    "Café, Übergröße, 中文, 🦑 and 👩‍👩‍👧",
    "{{ cookiecutter.project_slug }} and {{ undefined }}",
    "{{ 1/0 }} {{",
    "{% raw %} # {% if %} {# comment #} }} %} #}",
    '"""',
    "'''",
    "</script><b>&amp;",
    "--leading and - dashes: yes",
    "100 % of %s and %(name)s and ${HOME} $(id) `id` !x",
    "# no: comment, [list], {map}, *alias, &anchor, @at | > ?",
    " spaces around ",
    "no-break\u00a0space, zero\u200bwidth, right-to-left \u202e",
    "unassigned \u0378, private \ue000, no characters \ufffe \U0010ffff, \ufeff",
    "e\u0301\u0301\u0301, \u0627\u0644\u0639\u0631\u0628\u064a\u0629, \U000e0041",
    "\\N{DASH} \\u0041 \\x41 \\n \\",
    "../../up /etc/passwd C:\\con ~",
    "x" * 200,
]
BREAKING = ["\0", "\n", "\r\n", "\t", "\x1b[31m", "\x7f", "\x85", "\u2028", "\ud800", "\udcff"]

# Other tests keep the machine busy, and the first example waits for Unicode's tables.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

PRINTABLE = (
    st.lists(
        st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=40)
        | st.sampled_from(INTACT),
        max_size=3,
    )
    .map("".join)
    .map(lambda text: text[:200])
)
# Lines in YAML and JSON may hold surrogates, too.
ANY_TEXT = st.lists(
    st.text(st.characters(exclude_categories=()), max_size=50)
    | st.sampled_from([*INTACT, *BREAKING])
    | st.integers(200, 100_000).map(lambda length: "x" * length),
    max_size=4,
).map("".join)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=5,
)


def assert_intact(answers: dict[str, Answer], files: dict[str, str]) -> None:
    """Prove that the texts among the answers stand in valid files."""
    name, slug, description, author, email = [str(answers[key]) for key in TEXT_KEYS]
    project = tomllib.loads(files["pyproject.toml"])["project"]
    assert project["description"] == description
    assert project["authors"] == [{"name": author, "email": email}]
    assert project["name"] == re.sub("_", "-", slug.lower()).strip("-")
    # A README line that ends in spaces would mean a line break.
    assert files["README.md"].startswith(f"# {name.strip()}\n\n{description.strip()}".rstrip())
    assert f"Copyright (c) {author}\n" in files["LICENSE"]
    for path, content in files.items():
        if path.endswith(".py"):
            ast.parse(content, path)
        elif path.endswith((".yaml", ".yml")):
            yaml.safe_load(content)


def assert_one_line(refused: str) -> None:
    assert len(refused.splitlines()) == 1
    assert len(refused) < 1000
    assert refused.endswith(".")


def text_of(project: Path) -> dict[str, str]:
    return {
        path.relative_to(project).as_posix(): path.read_bytes().decode("utf-8")
        for path in project.rglob("*")
        if path.is_file()
    }


@unhurried
@given(st.fixed_dictionaries(dict.fromkeys(TEXTS, PRINTABLE)))
def test_printable_text_comes_through_unharmed(texts: dict[str, str]) -> None:
    answers = DEFAULTS | texts
    if texts["project_name"].strip() and texts["author_name"].strip():
        assert refusal(answers) is None
        assert_intact(answers, render(answers))
    else:
        assert "is empty: give it a text" in str(refusal(answers))


@unhurried
@given(st.sampled_from(TEXT_KEYS), ANY_TEXT)
def test_any_text_comes_through_unharmed_or_is_refused(key: str, text: str) -> None:
    answers = DEFAULTS | {key: text}
    if refused := refusal(answers):
        assert_one_line(refused)
        assert refused.startswith(key)
    else:
        assert_intact(answers, render(answers))


@pytest.mark.parametrize("text", INTACT)
def test_these_texts_are_not_refused(text: str) -> None:
    answers = DEFAULTS | dict.fromkeys(TEXTS, text)
    assert refusal(answers) is None
    assert_intact(answers, render(answers))


@pytest.mark.parametrize("breaking", BREAKING)
@pytest.mark.parametrize("key", TEXT_KEYS)
def test_what_breaks_a_line_is_refused(key: str, breaking: str) -> None:
    refused = refusal(DEFAULTS | {key: f"a{breaking}b"})
    assert refused
    if key == "project_slug":
        assert refused.startswith("project_slug is not the name of one folder")
    else:
        assert refused.startswith(f"{key} holds a line break or a control character")


SLUG = st.one_of(
    st.from_regex(r"[a-zA-Z0-9_]{1,40}", fullmatch=True),
    st.sampled_from(["CON", "nul_", "_Aux", "com1", "django__environ", "true", "on", "postgres"]),
    ANY_TEXT,
)


@settings(unhurried, max_examples=40)
@given(SLUG)
def test_any_slug_names_a_project_that_installs_or_is_refused(slug: str) -> None:
    answers = DEFAULTS | {"project_slug": slug, "database": "postgresql"}
    if refused := refusal(answers):
        assert_one_line(refused)
    else:
        files = render(answers)
        name = re.sub("-+", "-", tomllib.loads(files["pyproject.toml"])["project"]["name"])
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name)
        assert name not in dependencies()
        services = yaml.safe_load(files["compose.yaml"])["services"]
        assert services["postgresql"]["environment"]["POSTGRES_DB"] == slug


@cache
def dependencies() -> set[str]:
    """Return the packages that projects depend on, whatever the answers."""
    rows = pairwise(every("database", "broker", "result_backend", "scheduler", "flower"))
    lines: set[str] = set()
    for answers in rows:
        metadata = tomllib.loads(render(answers)["pyproject.toml"])
        lines |= {*metadata["project"]["dependencies"], *metadata["dependency-groups"]["dev"]}
    return {re.split(r"[^a-z0-9-]", line)[0] for line in lines}


def test_no_project_is_called_as_a_package_that_it_depends_on() -> None:
    slugs = [name.replace("-", "_") for name in dependencies()]
    assert len(slugs) > 15
    assert [slug for slug in slugs if refusal({"project_slug": slug}) is None] == []


@pytest.mark.exhaustive
def test_no_project_is_called_as_a_package_that_its_packages_need(tmp_path: Path) -> None:
    """Where this fails, packages need others than before: add them to INSTALLED in the hook."""
    rows = pairwise(every("django", "database", "broker", "result_backend", "scheduler", "flower"))
    names: set[str] = set()
    for metadata in {render(answers)["pyproject.toml"] for answers in rows}:
        (tmp_path / "pyproject.toml").write_text(metadata, encoding="utf-8")
        command = ["uv", "lock", "--quiet", "--python", sys.executable]
        subprocess.run(command, cwd=tmp_path, check=True)
        lock = (tmp_path / "uv.lock").read_text(encoding="utf-8")
        names |= {package["name"] for package in tomllib.loads(lock)["package"]}
    slugs = [re.sub("[-.]", "_", name) for name in names - {"my-project"}]
    assert [slug for slug in slugs if refusal({"project_slug": slug}) is None] == []


@unhurried
@given(
    st.lists(
        ANY_TEXT | st.builds("{}={}".format, st.sampled_from(list(DEFAULTS)) | ANY_TEXT, ANY_TEXT)
    )
)
def test_any_words_are_answers_or_refused(words: list[str]) -> None:
    try:
        answers = parse(words)
    except Refused as refused:
        assert_one_line(str(refused))
    else:
        assert answers.keys() <= DEFAULTS.keys()


@cache
def pre_hook() -> Template:
    return environment().from_string(PRE_HOOK.read_text(encoding="utf-8"))


def replay_refusal(answers: dict[str, Any]) -> str | None:
    """Return with which line the hook refuses answers that cookiecutter did not look at."""
    questions = {**answers, "_repo_dir": str(ROOT)}
    try:
        exec(pre_hook().render({"cookiecutter": questions}), {"__name__": "hook"})
    except SystemExit as refused:
        return str(refused).removeprefix(ERROR)
    return None


@unhurried
@given(st.sampled_from(list(DEFAULTS)), st.data())
def test_a_replayed_answer_is_one_that_is_offered_or_refused(key: str, data: st.DataObject) -> None:
    offered = choices()[key]
    answer = data.draw(ANY_JSON | st.sampled_from(offered) if offered else ANY_JSON)
    replayed = DEFAULTS | {"flower": False, "database": "postgresql", key: answer}
    refused = replay_refusal(replayed)
    if refused:
        assert_one_line(refused)
        assert key in refused
    if offered:
        is_offered = any(
            answer is value or (isinstance(answer, str) and answer == value) for value in offered
        )
        assert is_offered == (refused is None)
    elif not isinstance(answer, str):
        assert refused == f"{key} is no text: write one in quotes."


@unhurried
@given(ANY_TEXT.filter(lambda key: not key.startswith("_") and key not in DEFAULTS))
def test_a_replayed_answer_to_no_question_is_refused(key: str) -> None:
    refused = replay_refusal(DEFAULTS | {key: "redis"})
    assert refused
    assert refused.startswith("There is no question ")
    assert_one_line(refused)


def run(folder: Path, *command: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    """Run a program with an empty home in folder, which is to put the project into `output`."""
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
    """Return what a person types who answers the first questions, and takes the other defaults."""
    return "".join(f"{answers[key]}\n" for key in TEXT_KEYS) + "\n" * 20


# Each way to give answers: a function that makes a project in folder/output of them.


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
    # From where the template is near, as people who change it do.
    template = os.path.relpath(ROOT, folder)
    return run(folder, *COOKIECUTTER, f"--replay-file={file}", template)


def typed_and_replayed(folder: Path, answers: dict[str, Answer]) -> Run:
    run(folder, *COOKIECUTTER, str(ROOT), typed=typed(answers))
    shutil.rmtree(folder / "output", ignore_errors=True)
    return run(folder, *COOKIECUTTER, "--replay", str(ROOT))


def given_to_cruft(folder: Path, answers: dict[str, Answer]) -> Run:
    """Cruft knows what is committed."""
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


def ways_and_texts() -> Iterator[ParameterSet]:
    """Yield each way with each three texts; `make test` takes one of them for each way."""
    for number, way in enumerate(WAYS):
        for place in range(0, len(INTACT), 3):
            marks = [] if place // 3 == number % (len(INTACT) // 3) else [pytest.mark.exhaustive]
            # What is typed ends where spaces do.
            texts = [text.strip() for text in INTACT[place : place + 3]]
            yield pytest.param(way, dict(zip(TEXTS, texts, strict=True)), marks=marks)


@pytest.mark.parametrize(("way", "texts"), list(ways_and_texts()))
def test_hostile_text_comes_through_whatever_way_it_takes(
    way: Way, texts: dict[str, Answer], tmp_path: Path
) -> None:
    answers = DEFAULTS | {"project_slug": "mine"} | texts
    made = way(tmp_path, answers)
    assert made.returncode == 0, made.stdout
    (project,) = (tmp_path / "output").iterdir()
    assert project.name == "mine"
    assert_intact(answers, text_of(project))
    files = set(text_of(project)) - {".cruft.json"}
    assert files == {*render(answers), ".env"}


@pytest.mark.parametrize("way", WAYS)
def test_what_is_refused_leaves_nothing_whatever_way_it_takes(way: Way, tmp_path: Path) -> None:
    answers = DEFAULTS | {"project_slug": "mine", "description": "a\tb"}
    made = way(tmp_path, answers)
    assert made.returncode == 1
    assert made.stdout.count(f"{refusal(answers)}\n") == 1
    assert not list(tmp_path.glob("output/*"))


NO_FOLDER = ["a/b/c", "../up", "../up/there", "..", ".", "a\\b", "x" * 300, "a\0b", "\ud800"]


def given_for_the_command_line(folder: Path, slug: str) -> Run:
    return run(folder, *COOKIECUTTER, "--no-input", str(ROOT), f"project_slug={slug}")


def given_in_a_config_file(folder: Path, slug: str) -> Run:
    # JSON is YAML, and holds what else is refused in YAML.
    (folder / "config.yaml").write_text(json.dumps({"default_context": {"project_slug": slug}}))
    return run(folder, *COOKIECUTTER, "--no-input", "--config-file=config.yaml", str(ROOT))


@pytest.mark.parametrize(
    ("way", "slug"),
    [(given_for_the_command_line, slug) for slug in NO_FOLDER[:-2]]
    + [(given_in_a_config_file, slug) for slug in NO_FOLDER],
)
def test_a_slug_that_names_no_folder_is_refused_in_one_line_before_one_is_made(
    way: Callable[[Path, str], Run], slug: str, tmp_path: Path
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    made = way(folder, slug)
    assert made.returncode == 1
    assert made.stdout.startswith("ERROR: project_slug is not the name of one folder: use letters,")
    assert_one_line(made.stdout.strip())
    assert list(tmp_path.iterdir()) == [folder]
    assert {path.name for path in folder.iterdir()} <= {"config.yaml"}


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"broker": "kafka"}, 'broker cannot be "kafka": choose one of "redis", "rabbitmq", '),
        ({"docker": "yes"}, 'docker cannot be "yes": choose one of true, false.'),
        ({"demo": 1}, "demo cannot be 1: choose one of true, false."),
        ({"ci": None}, 'ci cannot be null: choose one of "github", "gitlab", "none".'),
        ({"brocker": "redis"}, "There is no question 'brocker': answer only project_name, "),
        ({"description": ["a"]}, "description is no text: write one in quotes."),
        ({"project_slug": 5}, "project_slug is no text: write one in quotes."),
    ],
)
def test_a_replayed_answer_that_is_not_offered_is_refused(
    changed: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    made = in_a_replayed_file(tmp_path, DEFAULTS | changed)
    assert made.returncode == 1
    assert made.stdout.startswith(f"ERROR: {reason}")
    assert not list(tmp_path.glob("output/*"))


@pytest.mark.parametrize("slug", ["..", "../up", "a/b"])
def test_a_replayed_slug_that_leads_elsewhere_deletes_nothing(slug: str, tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    kept = work / "kept.txt"
    kept.touch()
    made = in_a_replayed_file(work, DEFAULTS | {"project_slug": slug})
    assert made.returncode != 0
    assert made.stdout.startswith("ERROR: project_slug ")
    assert_one_line(made.stdout.strip())
    assert kept.exists()


def test_what_a_replayed_file_does_not_answer_is_asked(tmp_path: Path) -> None:
    (tmp_path / "answers.json").write_text(json.dumps({"cookiecutter": {"project_name": "X"}}))
    command = (*COOKIECUTTER, "--replay-file=answers.json", str(ROOT))
    made = run(tmp_path, *command, typed="mine\n" + "\n" * 20)
    assert made.returncode == 0, made.stdout
    assert (tmp_path / "output" / "mine" / "README.md").read_text().startswith("# X\n")


def test_settings_without_a_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("default_context: {project_name: }")
    made = run(tmp_path, *COOKIECUTTER, "--no-input", "--config-file=config.yaml", str(ROOT))
    assert made.stdout.startswith("ERROR: project_name is no text: write one in quotes.\n")
    assert not list(tmp_path.glob("output/*"))


@pytest.mark.exhaustive
def test_a_project_of_hostile_texts_passes_its_checks(tmp_path: Path) -> None:
    texts = {key: "".join(INTACT[:-1])[place:][:200] for place, key in enumerate(TEXTS)}
    project = generate({**texts, "project_slug": "_Mine_2"}, tmp_path)
    make(project, "install", "lint", "check")


@pytest.mark.exhaustive
@settings(unhurried, max_examples=60)
@given(
    st.fixed_dictionaries(dict.fromkeys(TEXTS, PRINTABLE))
    | st.fixed_dictionaries(dict.fromkeys(TEXTS, ANY_TEXT), optional={"project_slug": SLUG})
)
def test_any_text_makes_a_project_or_is_refused(texts: dict[str, str]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "output")
        try:
            project = generate(texts, folder)
        except Refused as refused:
            assert_one_line(str(refused))
            assert not folder.exists()
        else:
            assert list(folder.iterdir()) == [project]
            assert_intact(DEFAULTS | texts | {"project_slug": project.name}, text_of(project))
            ruff = [sys.executable, "-m", "ruff"]
            subprocess.run([*ruff, "check", "--quiet", "."], cwd=project, check=True)
            subprocess.run([*ruff, "format", "--check", "--quiet", "."], cwd=project, check=True)


@settings(unhurried, max_examples=20)
@given(PRINTABLE)
def test_make_passes_any_text_on(text: str) -> None:
    # Make takes the spaces before a value away.
    answer = f"description=x{text}"
    words = shlex.split(dry_run(answer).stdout.splitlines()[-1])
    assert words[-1] == answer


def test_make_refuses_a_text_of_two_lines() -> None:
    made = dry_run("description=two\nlines")
    assert made.returncode == 2
    assert "*** description holds a line break: use one line." in made.stderr
    assert made.stderr.count("\n") == 1


def dry_run(answer: str) -> Run:
    """Return what `make new` would run with an answer."""
    environment = {key: value for key, value in os.environ.items() if key not in OURS}
    return subprocess.run(
        ["make", "--dry-run", "new", answer],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )

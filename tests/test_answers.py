"""Questions, their answers, and refusals."""

import json
import os
import re
import subprocess
import sys
from itertools import groupby, product
from pathlib import Path
from typing import Any

import pytest

from tools.generate import (
    QUESTIONS,
    ROOT,
    Answer,
    Refused,
    choices,
    facts,
    generate,
    parse,
    refusal,
    render,
)
from tools.project import to_cli

TEXTS = {"project_name", "project_slug", "description", "author_name", "author_email"}
SWITCHES = {"demo", "docker", "kubernetes", "flower"}
CHOICES = {
    *("django", "database", "broker", "result_backend", "scheduler"),
    *("observability", "ci", "license"),
}

BROKERS = choices()["broker"]
WITHOUT_REPLIES = [name for name in BROKERS if not facts({"broker": name}).broker.reply_queues]
# The default project, and the projects that differ from it in one answer.
SINGLE = [
    pytest.param(question, answer, id=f"{question}-{answer}")
    for question, allowed in choices().items()
    for answer in allowed[question != "django" :]
]

# Given answers, the answers that they imply, and the note about it.
CONSEQUENCES: list[tuple[dict[str, Answer], dict[str, Answer], str]] = [
    (
        {"kubernetes": True},
        {"database": "postgresql"},
        "The database is PostgreSQL: pods on several machines cannot share SQLite.",
    ),
    (
        {"kubernetes": True, "docker": False},
        {"database": "postgresql", "docker": True},
        "Docker is included: Kubernetes runs the image that it builds.",
    ),
]

SLUG = "start with a letter, and use letters, digits and underscores (example: my_project)"
FOLDER = "use letters, digits and underscores (example: my_project)"
ANOTHER = "choose another name (example: "
EMAIL = "(example: ada@example.com)"
TEXT = "enter some text"
BAD_TEXTS = [
    ({"project_name": ""}, "project_name is empty", TEXT),
    ({"project_name": " "}, "project_name is empty", TEXT),
    ({"project_name": "two\nlines"}, "project_name contains a line break", "on one line"),
    ({"description": "a\x07bell"}, "description contains a line break or a control", "on one line"),
    ({"description": "x" * 201}, "description has 201 characters", "at most 200"),
    ({"author_name": ""}, "author_name is empty", TEXT),
    ({"author_email": ""}, "author_email is empty", TEXT),
    ({"author_email": "nobody"}, "'nobody' is not a valid e-mail address", EMAIL),
    ({"author_email": "a@b"}, "'a@b' is not a valid e-mail address", EMAIL),
    ({"author_email": "a b@example.com"}, "'a b@example.com' is not a valid e-mail address", EMAIL),
    ({"author_email": 'a"b@example.com'}, "is not a valid e-mail address", EMAIL),
    ({"project_slug": ""}, "project_slug is not a valid folder name", FOLDER),
    ({"project_slug": "two words"}, "'two words' is not a valid Python identifier", SLUG),
    ({"project_slug": "my-project"}, "'my-project' is not a valid Python identifier", SLUG),
    ({"project_slug": "2nd"}, "'2nd' is not a valid Python identifier", SLUG),
    ({"project_slug": "café"}, "'café' is not a valid Python identifier", SLUG),
    ({"project_slug": "../up"}, "project_slug is not a valid folder name", FOLDER),
    ({"project_slug": "__"}, "'__' is not a valid Python identifier", SLUG),
    ({"project_slug": "x" * 32}, "project_slug has 32 characters", "at most 31"),
    ({"project_slug": "class"}, "'class' is a Python keyword", ANOTHER),
    ({"project_slug": "None"}, "'None' is a Python keyword", ANOTHER),
    ({"project_slug": "match"}, "'match' is a Python keyword", ANOTHER),
    *(
        ({"project_slug": name}, f"'{name}' is reserved in YAML, PostgreSQL or Windows", ANOTHER)
        for name in ("con", "NUL", "aux_", "Com1", "lpt9", "true", "null", "on", "template1")
    ),
    *(
        ({"project_slug": name}, f"'{name}' is a package that projects use", ANOTHER)
        for name in ("django", "celery", "accounts", "gallery", "tests", "Redis", "_ruff_")
    ),
]


def cookiecutter(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run cookiecutter with an empty home directory, and make the project in folder/output."""
    command = [sys.executable, "-m", "cookiecutter", "--no-input", "--output-dir", "output"]
    return subprocess.run(
        [*command, str(ROOT), *arguments],
        cwd=folder,
        env={**os.environ, "HOME": str(folder), "TMPDIR": str(folder)},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def assert_refused(answers: dict[str, Answer], folder: Path) -> str:
    """Check that the answers are refused without writing files, and return the refusal."""
    folder /= "projects"
    with pytest.raises(Refused) as refused:
        generate(answers, folder)
    assert not folder.exists()
    (line,) = str(refused.value).splitlines()
    return line


def test_the_questions_are_those_that_other_tools_rely_on() -> None:
    assert {*choices()} == TEXTS | SWITCHES | CHOICES
    assert {key for key, allowed in choices().items() if not allowed} == TEXTS
    assert {key for key, allowed in choices().items() if True in allowed} == SWITCHES


def test_the_questions_come_in_four_groups() -> None:
    prompts = json.loads(QUESTIONS.read_text(encoding="utf-8"))["__prompts__"].values()
    texts = [prompt if isinstance(prompt, str) else prompt["__prompt__"] for prompt in prompts]
    groups = [group for group, _ in groupby(text.partition(":")[0] for text in texts)]
    assert groups == ["Project", "Tasks", "Operations", "About"]


def test_each_question_is_a_sentence_and_each_choice_has_a_label() -> None:
    prompts: dict[str, Any] = json.loads(QUESTIONS.read_text(encoding="utf-8"))["__prompts__"]
    assert list(prompts) == list(choices())
    for key, allowed in choices().items():
        if allowed and True not in allowed:
            question, *labels = prompts[key]
            assert question == "__prompt__"
            assert labels == allowed


def test_labels_have_no_square_brackets() -> None:
    prompts = json.loads(QUESTIONS.read_text(encoding="utf-8"))["__prompts__"]
    assert not set("[]").intersection(*prompts.values())
    assert "[" not in json.dumps(prompts)


@pytest.mark.parametrize("name", BROKERS)
def test_a_broker_includes_its_database_and_leaves_out_flower_without_events(name: str) -> None:
    broker, notes = facts({"broker": name}).broker, facts({"broker": name}).notes
    followed: dict[str, Answer] = {"broker": name}
    wanted = []
    if not broker.events:
        followed["flower"] = False
        wanted.append(f"Flower is left out: {broker.title} has no events for it to show.")
    if broker.database:
        followed["database"] = broker.database
        title = facts(followed).database.title
        wanted.append(f"The database is {title}: the broker keeps its queues in it.")
    assert notes == wanted
    assert render({"broker": name}) == render(followed)
    assert not facts(followed).notes


@pytest.mark.parametrize(("answers", "followed", "note"), CONSEQUENCES)
def test_kubernetes_includes_what_it_needs(
    answers: dict[str, Answer], followed: dict[str, Answer], note: str
) -> None:
    assert note in facts(answers).notes
    assert render(answers) == render(answers | followed)
    assert not facts(answers | followed).notes


@pytest.mark.parametrize(("question", "answer"), SINGLE)
def test_each_answer_alone_makes_a_project(question: str, answer: Answer, tmp_path: Path) -> None:
    run = cookiecutter(tmp_path, f"{question}={to_cli(answer)}")
    assert run.returncode == 0, run.stderr
    (project,) = tmp_path.glob("output/*")
    record = json.loads((project / ".cruft.json").read_text(encoding="utf-8"))
    followed = facts({question: answer})
    given = record["context"]["cookiecutter"]
    assert given.items() >= {question: answer, **followed.answers}.items()
    assert re.findall(r"^Note: (.+)$", run.stdout, re.MULTILINE) == followed.notes


def test_only_reply_queues_are_refused() -> None:
    keys = ("database", "broker", "result_backend", "flower", "docker", "kubernetes")
    rows = [dict(zip(keys, row, strict=True)) for row in product(*(choices()[k] for k in keys))]
    for row in rows:
        found = facts(row)
        impossible = found.result.reply_queue and not found.broker.reply_queues
        assert (refusal(row) is not None) == impossible


@pytest.mark.parametrize("broker", WITHOUT_REPLIES)
def test_a_pair_that_cannot_work_is_refused_with_one_that_can(broker: str, tmp_path: Path) -> None:
    answers: dict[str, Answer] = {"broker": broker, "result_backend": "rpc"}
    line = assert_refused(answers, tmp_path)
    assert line.startswith(f"result_backend=rpc cannot work with broker={broker}, which has no")
    assert "such as django-db" in line
    assert refusal(answers | {"result_backend": "django-db"}) is None


@pytest.mark.parametrize(("answers", "reason", "nearest"), BAD_TEXTS)
def test_an_invalid_text_is_refused(
    answers: dict[str, Answer], reason: str, nearest: str, tmp_path: Path
) -> None:
    line = assert_refused(answers, tmp_path)
    assert reason in line
    assert nearest in line


@pytest.mark.parametrize(
    "arguments",
    [
        *([f"broker={broker}", "result_backend=rpc"] for broker in WITHOUT_REPLIES),
        ["project_slug=celery"],
        ["project_name="],
        ["author_email=nobody"],
    ],
)
def test_cookiecutter_refuses_and_leaves_nothing_behind(
    arguments: list[str], tmp_path: Path
) -> None:
    run = cookiecutter(tmp_path, *arguments)
    assert run.returncode != 0
    (line,) = re.findall(r"^ERROR: (.*)$", run.stderr, re.MULTILINE)
    assert line == refusal(parse(arguments))
    assert not list(tmp_path.glob("output/*"))


@pytest.mark.parametrize("arguments", [["--skip-if-file-exists"], []])
def test_a_refusal_leaves_an_existing_project_unchanged(
    arguments: list[str], tmp_path: Path
) -> None:
    assert cookiecutter(tmp_path).returncode == 0

    def files() -> dict[Path, bytes]:
        paths = tmp_path.glob("output/**/*")
        return {path: path.read_bytes() for path in paths if path.is_file()}

    before = files()
    words = ["--overwrite-if-exists", *arguments, "project_slug=celery"]
    run = cookiecutter(tmp_path, *words)
    assert "ERROR: project_slug: 'celery' is a package" in run.stderr
    assert files() == before


@pytest.mark.parametrize(
    ("argument", "reason"),
    [
        ("brocker=redis", "There is no question 'brocker': did you mean broker? Choose one of "),
        ("xyz=1", "There is no question 'xyz': choose one of project_name, "),
        ("_template=x", "There is no question '_template'"),
        ("broker=rabitmq", 'broker cannot be "rabitmq": did you mean rabbitmq? Choose one of '),
        ("broker=", f'broker cannot be "": choose one of {", ".join(map(str, BROKERS))}.'),
        ("docker=yes", 'docker cannot be "yes": choose one of true, false.'),
        ("docker=True", 'docker cannot be "True": did you mean true? Choose one of true, false.'),
        ("broker", "'broker' is not an answer: write KEY=VALUE, such as broker=rabbitmq."),
    ],
)
def test_a_misspelt_answer_is_refused_with_a_suggestion(argument: str, reason: str) -> None:
    with pytest.raises(Refused, match=re.escape(reason)):
        parse([argument])


def test_generate_refuses_answers_that_cookiecutter_ignores(tmp_path: Path) -> None:
    assert "did you mean broker?" in assert_refused({"brocker": "redis"}, tmp_path)
    assert "did you mean rabbitmq?" in assert_refused({"broker": "rabitmq"}, tmp_path)


def test_an_answer_given_twice_is_refused() -> None:
    with pytest.raises(Refused, match="'broker' is given twice"):
        parse(["broker=sqs", "broker=redis"])


def test_a_name_without_letters_gives_a_valid_slug() -> None:
    assert "my-project" in render({"project_name": "🦑"})["pyproject.toml"]


def test_a_name_of_any_length_gives_a_valid_slug() -> None:
    assert refusal({"project_name": "a name of many words " * 9}) is None


def test_arguments_become_answers() -> None:
    words = ["project_name=a = b", "docker=false", "flower=true", "django=5.2"]
    answers = {"project_name": "a = b", "docker": False, "flower": True, "django": "5.2"}
    assert parse(words) == answers
    assert parse([]) == {}


def test_an_existing_project_is_left_unchanged(tmp_path: Path) -> None:
    mine = tmp_path / "my_project" / "mine"
    mine.parent.mkdir()
    mine.touch()
    with pytest.raises(Refused, match="my_project already exists"):
        generate({}, tmp_path)
    assert list(tmp_path.rglob("*")) == [mine.parent, mine]

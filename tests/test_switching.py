"""`make switch` changes the answers and keeps the team's edits, or changes nothing.

For every pair of brokers and result backends, a switched project equals a fresh one with the same
edits. Fresh projects are run by test_wiring.py, so only one switched project is run here.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from itertools import permutations
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from _pytest.mark import ParameterSet

from tests.helpers.machinery import add_machinery_tests
from tests.helpers.make import make, run
from tests.helpers.origin import commit, cookiecutter, copy_template, git, run_make, tracked
from tests.helpers.team import ENV, edit, replace
from tools import generate as rendering
from tools import project as tool
from tools.generate import Answers, choices, facts, refusal
from tools.servers import SERVERS
from tools.services import point_at, read_env

# Other answers that a switch needs. They put the team's edits next to different lines of the
# template, with and without another server.
BESIDE: dict[str, list[Answers]] = {
    "broker": [
        {"database": "postgresql", "result_backend": "django-db", "flower": False},
        {"database": "sqlite", "result_backend": "django-db", "flower": False},
    ],
    "result_backend": [{"broker": broker} for broker in choices()["broker"]],
    "kubernetes": [{"database": "postgresql"}],
}


def write(files: dict[str, str], folder: Path) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def edited(answers: Answers, folder: Path) -> Path:
    """Make a project with a team's edits, without .env and .cruft.json."""
    edit(write(rendering.render(answers), folder))
    return folder


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return the tool with faster rendering: in this process and without a clone."""

    def render(answers: Answers, folder: Path) -> tuple[Path, list[str]]:
        record = json.dumps({"context": {"cookiecutter": followed(answers)}})
        files = rendering.render(answers) | {tool.RECORD: record}
        return write(files, folder / "output" / "project"), facts(answers).notes

    monkeypatch.setattr(tool, "checkout", lambda version: version)
    monkeypatch.setattr(tool, "render", render)
    # Each test sets it.
    monkeypatch.setattr(tool, "PROJECT", None)
    return tool


def followed(answers: Answers) -> Answers:
    """Return all answers that these answers imply."""
    defaults = {key: allowed[0] for key, allowed in choices().items() if allowed}
    return {**defaults, "project_slug": "my_project", **answers, **facts(answers).answers}


def switches() -> Iterator[tuple[Answers, Answers]]:
    """Yield the old answers and the change, for each ordered pair of choices of each question."""
    for question, offered in choices().items():
        # The license is not worth testing, and docker has its own test, as it deletes edited files.
        if question not in ("docker", "license"):
            for others in BESIDE.get(question, [{}]):
                for old, new in permutations(offered, 2):
                    yield {**others, question: old}, {question: new}


def possible() -> Iterator[ParameterSet]:
    """Yield the switches between valid answers, as parameters of a test."""
    for old, new in switches():
        if refusal(old) is None and refusal({**old, **new}) is None:
            name = "-".join(f"{key}={value}" for key, value in [*old.items(), *new.items()])
            # `make test` runs only switches to the first choice.
            is_first = [*new.values()] == [choices()[key][0] for key in new]
            marks = [] if is_first else [pytest.mark.exhaustive]
            yield pytest.param(old, new, id=name, marks=marks)


@pytest.mark.parametrize(("old", "new"), list(possible()))
def test_a_switched_project_equals_a_fresh_one_with_the_same_edits(
    old: Answers, new: Answers, script: Any, tmp_path: Path
) -> None:
    project = edited(old, tmp_path / "project")
    record = {"context": {"cookiecutter": followed(old)}}
    (project / ".cruft.json").write_text(json.dumps({"template": "", "commit": "x", **record}))
    commit(project)
    script.PROJECT = project
    assert script.main("switch", *(f"{key}={script.to_cli(new[key])}" for key in new)) == 0
    wanted = followed({**followed(old), **new})
    fresh = edited(wanted, tmp_path / "fresh")
    files = tracked(project)
    switched = json.loads(files.pop(".cruft.json"))["context"]["cookiecutter"]
    assert switched == wanted
    assert files == {
        path.relative_to(fresh).as_posix(): path.read_text(encoding="utf-8")
        for path in fresh.rglob("*")
        if path.is_file()
    }


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a repository with the current template."""
    return copy_template(tmp_path_factory.mktemp("origin") / "template")


@pytest.fixture(scope="module")
def made(origin: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    return cookiecutter(origin, folder, description="{{ '{{ 1/0 }} it\\'s' }}")


@pytest.fixture
def project(made: Path, tmp_path: Path) -> Path:
    """Return a copy of a project whose template is `origin`."""
    return shutil.copytree(made, tmp_path / "project")


def state(project: Path) -> dict[str, bytes | None]:
    """Return everything that a failed switch could change: all files and git's state."""
    status = git(project, "status", "--porcelain", "--ignored")
    branches = git(project, "worktree", "list") + git(project, "rev-parse", "HEAD")
    files = [path for path in project.rglob("*") if ".git" not in path.parts and path.is_file()]
    return {"git": (status + branches).encode(), **{str(p): p.read_bytes() for p in files}}


def refuses(project: Path, *words: str) -> str:
    """Check that make refuses the words and changes nothing, and return its message."""
    before = state(project)
    refused = run_make(project, *words)
    assert refused.returncode == 2
    assert "Traceback" not in refused.stderr
    assert state(project) == before
    return refused.stderr


def test_without_an_answer_all_questions_are_listed(project: Path) -> None:
    listed = run_make(project, "switch")
    assert listed.returncode == 0, listed.stderr
    assert "broker          redis  or rabbitmq, sqs, " in listed.stdout
    assert "demo            true  or false\n" in listed.stdout
    assert [line.split()[0] for line in listed.stdout.splitlines()] == [*choices()]


def test_a_switch_changes_files_and_env_and_keeps_other_values(project: Path) -> None:
    env = project / ".env"
    secret = read_env(project)["SECRET_KEY"]
    replace(env, "redis://localhost:6379/0\n", "redis://mine:6379/0\nREPORTS_FOLDER=x\n")
    known = env.read_text()
    switched = run_make(project, "switch", "broker=rabbitmq", "description=it's {{ $HOME }}")
    assert switched.returncode == 0, switched.stderr
    values = read_env(project)
    assert values["CELERY_BROKER_URL"] == "amqp://guest:guest@localhost:5672//"
    assert values["SECRET_KEY"] == secret
    assert values["REPORTS_FOLDER"] == "x"
    assert "# CELERY_BROKER_URL=redis://mine:6379/0\n" in env.read_text()
    assert env.stat().st_mode & 0o777 == 0o600
    copy = project / ".env.bak"
    assert copy.read_text() == known
    assert copy.stat().st_mode & 0o777 == 0o600
    assert not git(project, "status", "--porcelain", "--", ".env.bak")
    expected = rendering.render({"broker": "rabbitmq", "description": "it's {{ $HOME }}"})
    files = tracked(project)
    files.pop(".cruft.json")
    assert files == expected
    assert git(project, "worktree", "list").count("\n") == 1


def test_other_lines_of_env_are_kept_byte_for_byte(project: Path, script: Any) -> None:
    env = project / ".env"
    known = env.read_text()
    # One variable has an `export`, and the last line has no newline.
    changed = ENV + known.replace("CELERY_BROKER_URL", "export CELERY_BROKER_URL")
    env.write_bytes(changed.encode() + b"LATIN=\xe4")
    env.chmod(0o640)
    written = env.stat().st_ino
    script.PROJECT = project
    assert script.main("switch", "broker=rabbitmq") == 0
    # The file was replaced atomically.
    assert env.stat().st_ino != written
    assert env.stat().st_mode & 0o777 == 0o640
    copy = project / ".env.bak"
    assert copy.read_bytes() == changed.encode() + b"LATIN=\xe4"
    assert copy.stat().st_mode & 0o777 == 0o600
    text = env.read_bytes().decode(errors="surrogateescape")
    assert text.startswith(ENV)
    assert (
        "\n# export CELERY_BROKER_URL=redis://localhost:6379/0\n"
        "CELERY_BROKER_URL=amqp://guest:guest@localhost:5672//\n"
    ) in text
    _, own, added = text.partition("\nLATIN=\udce4\n\n")
    assert own
    name, _, password = added.partition("=")
    assert name == "RABBITMQ_PASSWORD"
    assert len(password) > 50
    for answer in ("sqs", "redis"):
        commit(project)
        assert script.main("switch", f"broker={answer}", "flower=false") == 0
    text = env.read_bytes().decode(errors="surrogateescape")
    assert text.startswith(ENV)
    assert [line for line in text.splitlines() if line.startswith("CELERY_BROKER_URL=")] == [
        "CELERY_BROKER_URL=",
        "CELERY_BROKER_URL=redis://localhost:6379/0",
    ]
    assert f"\n# RABBITMQ_PASSWORD={password}" in text


def test_a_secret_is_the_same_in_all_lines_of_env(project: Path, script: Any) -> None:
    script.PROJECT = project
    assert script.main("switch", "database=postgresql", "docker=false") == 0
    password = urlsplit(read_env(project)["DATABASE_URL"]).password
    commit(project)
    assert script.main("switch", "docker=true") == 0
    assert read_env(project)["POSTGRES_PASSWORD"] == password


@pytest.mark.parametrize("obstacle", ["ignored file", "folder"])
def test_a_switch_that_cannot_write_a_file_changes_nothing(
    obstacle: str, project: Path, script: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    script.PROJECT = project
    assert script.main("switch", "ci=none") == 0
    commit(project)
    if obstacle == "folder":
        (project / ".env.bak").unlink(missing_ok=True)
        (project / ".env.bak").mkdir()
        words = ["broker=rabbitmq"]
    else:
        (project / ".git/info/exclude").write_text(".gitlab-ci.yml\n")
        (project / ".gitlab-ci.yml").write_text("mine\n")
        words = ["ci=gitlab"]
    before = state(project)
    assert script.main("switch", *words) == 1
    assert state(project) == before
    said = capsys.readouterr().err
    assert said.startswith("Nothing was changed: ")
    assert (".env.bak" if obstacle == "folder" else "\n    .gitlab-ci.yml\n") in said


def test_a_misspelt_answer_is_refused(project: Path) -> None:
    said = refuses(project, "switch", "brocker=rabbitmq")
    assert said.startswith("There is no question 'brocker': did you mean broker? Choose ")
    said = refuses(project, "switch", "broker=rabitmq")
    assert said.startswith(
        'broker cannot be "rabitmq": did you mean rabbitmq? Choose one of redis, '
    )
    said = refuses(project, "switch", "demo=no")
    assert said.startswith('demo cannot be "no": choose one of true, false.')


def test_answers_that_cannot_work_together_are_refused(project: Path) -> None:
    said = refuses(project, "switch", "broker=sqs", "result_backend=rpc")
    assert said.startswith("result_backend=rpc cannot work with broker=sqs, which has no exclusive")


def test_a_switch_leaves_out_unsupported_features_and_says_so(project: Path) -> None:
    switched = run_make(project, "switch", "broker=sqs")
    assert switched.returncode == 0, switched.stderr
    assert "\nFlower is left out: Amazon SQS has no events for it to show.\n" in switched.stdout
    record = json.loads((project / ".cruft.json").read_text(encoding="utf-8"))
    assert record["context"]["cookiecutter"]["flower"] is False
    assert not (project / "flowerconfig.py").exists()
    commit(project)
    before = state(project)
    again = run_make(project, "switch", "flower=true")
    assert again.returncode != 0
    assert "Flower is left out" in again.stderr
    assert "Nothing was changed." in again.stderr
    assert state(project) == before


def test_a_switch_to_another_database_says_that_no_data_was_moved(
    project: Path, script: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    data = project / "db.sqlite3"
    data.write_bytes(b"rows")
    script.PROJECT = project
    assert script.main("switch", "broker=pgmq") == 0
    said = capsys.readouterr().out
    assert "\nThe database is PostgreSQL: the broker keeps its queues in it.\n" in said
    assert "\nNo data was moved: the old database is untouched." in said
    assert data.read_bytes() == b"rows"
    assert "\nDATABASE_URL=sqlite:///db.sqlite3\n" in (project / ".env.bak").read_text()


def test_a_project_made_by_cruft_lists_its_effective_answers(
    project: Path, script: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    script.PROJECT = project
    assert script.main("switch", "broker=pgmq") == 0
    file = project / ".cruft.json"
    record = json.loads(file.read_text(encoding="utf-8"))
    record["context"]["cookiecutter"] |= {"database": "sqlite", "flower": True}
    file.write_text(json.dumps(record), encoding="utf-8")
    commit(project)
    capsys.readouterr()
    assert script.main("switch") == 0
    listed = capsys.readouterr().out
    assert "\ndatabase        postgresql  or sqlite\n" in listed
    assert "\nflower          false  or true\n" in listed
    assert script.main("switch", "database=postgresql") == 0
    assert capsys.readouterr().out.startswith(
        "Nothing to do: the project already has this database"
    )
    assert script.main("switch", "database=sqlite") == 1
    reason = (
        "The database is PostgreSQL: the broker keeps its queues in it.\nNothing was changed.\n"
    )
    assert capsys.readouterr().err == reason


def test_switching_to_the_current_answer_changes_nothing(project: Path) -> None:
    before = state(project)
    switched = run_make(project, "switch", "broker=redis")
    assert switched.returncode == 0
    assert switched.stdout.startswith("Nothing to do: the project already has this broker.")
    assert state(project) == before


@pytest.mark.parametrize("name", ["README.md", "notes.txt"])
def test_a_switch_is_refused_with_uncommitted_changes(name: str, project: Path) -> None:
    with (project / name).open("a") as file:
        file.write("mine\n")
    said = refuses(project, "switch", "broker=rabbitmq")
    assert said.startswith("Nothing was changed: commit or stash your changes first.")
    assert name in said


def test_a_project_that_is_not_in_git_is_left_alone(project: Path) -> None:
    shutil.rmtree(project / ".git")
    switched = run_make(project, "switch", "broker=rabbitmq")
    assert switched.returncode == 2
    assert switched.stderr.startswith("Nothing was changed, because git could not undo it: put")


def test_conflicts_are_named_and_can_be_merged_by_hand(
    project: Path, script: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    celery = project / "config/settings/celery.py"
    replace(celery, '"socket_connect_timeout": 2', '"socket_connect_timeout": 3')
    with (project / "task_queue/leases.py").open("a") as file:
        file.write("# Ours.\n")
    commit(project)
    before = state(project)
    script.PROJECT = project
    assert script.main("switch", "broker=rabbitmq") == 1
    assert state(project) == before
    said = capsys.readouterr().err
    assert said.startswith("Nothing was changed: ")
    assert "\n    config/settings/celery.py\n" in said
    assert "\n    task_queue/leases.py (changed here, deleted by the template)\n" in said
    by_hand = said.partition("by hand: ")[2].partition(",")[0]
    subprocess.run(by_hand.split(), cwd=project, check=False, capture_output=True)
    assert "<<<<<<<" in celery.read_text()
    assert '"rabbitmq"' in (project / ".cruft.json").read_text()


def test_containers_are_removed_unless_the_team_edited_them(
    project: Path, script: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    script.PROJECT = project
    for answer in ("false", "true"):
        assert script.main("switch", f"docker={answer}") == 0
        commit(project)
    files = tracked(project)
    files.pop(".cruft.json")
    assert files == rendering.render({"description": "{{ 1/0 }} it's"})
    edit(project)
    commit(project)
    assert script.main("switch", "docker=false") == 1
    assert "\n    compose.yaml (changed here, deleted by the template)\n" in capsys.readouterr().err


def test_files_that_the_team_deleted_stay_deleted_and_are_listed(
    project: Path, script: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(project / "gallery")
    (project / "README.md").unlink()
    commit(project)
    script.PROJECT = project
    assert script.main("switch", "broker=rabbitmq") == 0
    assert not (project / "gallery").exists()
    assert not (project / "README.md").exists()
    assert "\n    README.md\n    gallery/status.py\n" in capsys.readouterr().out


def test_a_project_in_a_folder_of_its_repository_is_switched(
    made: Path, tmp_path: Path, script: Any
) -> None:
    project = shutil.copytree(made, tmp_path / "all/here/project", ignore=lambda *_: {".git"})
    (tmp_path / "all/other.txt").write_text("other\n")
    commit(tmp_path / "all")
    # Switch in a second working tree.
    git(tmp_path / "all", "worktree", "add", "--quiet", str(tmp_path / "second"))
    project = tmp_path / "second/here/project"
    script.PROJECT = project
    assert script.main("switch", "broker=rabbitmq") == 0
    status = git(project, "diff", "--cached", "--name-only")
    assert "here/project/config/settings/celery.py\n" in status
    assert all(line.startswith("here/project/") for line in status.splitlines())


@pytest.mark.parametrize("command", ["switch", "update", "benchmark"])
@pytest.mark.parametrize("address", ["/nowhere", "http://127.0.0.1:9/template.git"])
def test_a_template_that_cannot_be_fetched_is_named_in_one_line_and_nothing_changes(
    address: str, command: str, project: Path
) -> None:
    [line, from_make] = refuses(project, command, f"template={address}").splitlines()
    assert line.startswith(
        f"Nothing was changed: cannot fetch the template from {address} (fatal: "
    )
    assert line.endswith("). Check your connection, or give another address: template=ADDRESS")
    assert from_make.endswith("Error 1")


def test_messages_do_not_contain_the_login(project: Path) -> None:
    address = "http://ada:secret@127.0.0.1:9/template.git"
    said = refuses(project, "update", f"template={address}")
    assert "from http://127.0.0.1:9/template.git (" in said
    assert not {"ada", "secret"}.intersection(re.findall(r"\w+", said))


def test_a_template_that_moved_is_fetched_from_the_given_address(
    project: Path, origin: Path
) -> None:
    replace(project / ".cruft.json", str(origin), "/nowhere")
    commit(project)
    assert refuses(project, "switch", "broker=rabbitmq").startswith("Nothing was changed: ")
    assert run_make(project, "switch", f"template={origin}").returncode == 0


def test_a_template_without_the_tool_is_refused(project: Path, tmp_path: Path) -> None:
    commit(write({"README.md": "x"}, tmp_path / "other"))
    said = refuses(project, "switch", f"template={tmp_path / 'other'}")
    assert "other (it has no tools/project.py). " in said


def test_a_project_that_does_not_know_its_template_says_how_to_link_it(project: Path) -> None:
    (project / ".cruft.json").unlink()
    commit(project)
    assert "uvx cruft link" in refuses(project, "switch", "broker=rabbitmq")
    (project / ".cruft.json").write_text("<<<<<<< HEAD")
    commit(project)
    assert "is missing or unreadable" in refuses(project, "switch", "broker=rabbitmq")


@pytest.mark.exhaustive
def test_a_project_passes_its_tests_on_a_new_broker_with_its_lock_and_env(
    origin: Path, tmp_path: Path
) -> None:
    """Run `make switch` several times in a row."""
    given = {"database": "postgresql", "result_backend": "django-db", "flower": "false"}
    project = cookiecutter(origin, tmp_path / "made", **given)
    edit(project)
    run(project, "uv", "lock", "--quiet")
    commit(project)
    for answers in (
        {"broker": "sqs"},
        {"result_backend": "django-cache"},
        {"result_backend": "none"},
        {"broker": "pgmq", "result_backend": "django-db"},
    ):
        switched = run_make(project, "switch", *(f"{key}={answers[key]}" for key in answers))
        assert switched.returncode == 0, switched.stderr
        run(project, "uv", "lock", "--check")
        given |= answers
        example = rendering.render({**given, "flower": False})[".env.example"]
        assert {*read_env(project)} == {*re.findall(r"^(\w+)=", example, re.MULTILINE)}
        commit(project)
    assert 'name = "requests"' in (project / "uv.lock").read_text()
    with SERVERS["postgresql"](tmp_path / "postgresql") as server:
        point_at(project, [server])
        server.create_database("my_project")
        add_machinery_tests(project, {**given, "flower": False})
        make(project, "install", "lint", "test")

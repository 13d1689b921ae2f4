"""`make update` brings in a newer template and keeps the team's edits."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.helpers.machinery import add_machinery_tests
from tests.helpers.make import make
from tests.helpers.origin import (
    commit,
    cookiecutter,
    copy_files,
    copy_template,
    git,
    run_make,
    tracked,
)
from tests.helpers.team import ENV, edit, edit_celery, edit_others, replace
from tools.generate import ROOT
from tools.process import inherited
from tools.project import Abort, propose, variables, without_login
from tools.servers.rabbitmq import RabbitMQ
from tools.services import point_at

SLUG = "{{cookiecutter.project_slug}}"
# Personal Git settings, and variables that a hook or an alias of Git sets.
GIT_CONFIG = """\
[clone]
    defaultRemoteName = upstream
[color]
    ui = always
[diff]
    external = false
    orderFile = /not/there
[merge]
    conflictStyle = zdiff3
[submodule]
    recurse = true
"""
GIT_VARIABLES = {
    "GIT_DIR": "/not/there",
    "GIT_EXTERNAL_DIFF": "false",
    "GIT_INDEX_FILE": "/not/there",
    "GIT_WORK_TREE": "/",
}


def cruft(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run cruft in a folder."""
    command = [sys.executable, "-m", "cruft", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def cruft_create(template: Path, folder: Path) -> Path:
    """Make a project with cruft, and commit it."""
    made = cruft(folder, "create", "--no-input", str(template))
    assert made.returncode == 0, made.stdout + made.stderr
    commit(folder / "my_project")
    return folder / "my_project"


def files(project: Path) -> dict[str, str]:
    """Return the text of each staged file except .cruft.json."""
    return {path: text for path, text in tracked(project).items() if path != ".cruft.json"}


def record(project: Path) -> Any:
    return json.loads((project / ".cruft.json").read_text())


@pytest.fixture
def own_git(tmp_path: Path) -> dict[str, str]:
    """Return an environment with an unusual Git configuration."""
    config = tmp_path / "gitconfig"
    config.write_text(GIT_CONFIG)
    return {**GIT_VARIABLES, "GIT_CONFIG_GLOBAL": str(config)}


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    return copy_template(tmp_path / "template")


def release(origin: Path) -> None:
    """Release a template with a new file, a deleted file, a changed setting and a new question."""
    project = origin / SLUG
    (project / "config/news.py").write_text('"""New."""\n')
    (project / "gunicorn.conf.py").unlink()
    replace(project / "config/settings/celery.py", "default=512 * 1024", "default=256 * 1024")
    questions = json.loads((origin / "cookiecutter.json").read_text())
    (origin / "cookiecutter.json").write_text(json.dumps({"colour": ["red", "blue"], **questions}))
    (origin / "CHANGELOG.md").write_text("### By hand\n\n- Paint it.\n")
    commit(origin)
    git(origin, "tag", "v9")


@pytest.mark.parametrize(
    "make_project",
    [cruft_create, pytest.param(cookiecutter, marks=pytest.mark.exhaustive)],
)
def test_an_updated_project_equals_a_fresh_one_with_the_same_edits(
    make_project: Callable[[Path, Path], Path],
    origin: Path,
    own_git: dict[str, str],
    tmp_path: Path,
) -> None:
    project = make_project(origin, tmp_path)
    edit(project)
    commit(project)
    assert cruft(project, "check").returncode == 0
    release(origin)
    assert cruft(project, "check").returncode == 1
    updated = run_make(project, "update", **own_git)
    assert updated.returncode == 0, updated.stderr
    assert updated.stdout.startswith("Update the template to v9: ")
    assert "\n- Paint it.\n" in updated.stdout
    assert record(project)["commit"] == git(origin, "rev-parse", "HEAD").strip()
    assert record(project)["context"]["cookiecutter"]["colour"] == "red"
    assert cruft(project, "check").returncode == 0
    fresh = cookiecutter(origin, tmp_path / "fresh")
    edit(fresh)
    commit(fresh)
    expected = files(fresh)
    assert "config/news.py" in expected
    assert "gunicorn.conf.py" not in expected
    assert files(project) == expected


def test_an_update_leaves_out_features_that_are_no_longer_supported(
    origin: Path, tmp_path: Path
) -> None:
    project = cookiecutter(origin, tmp_path)
    replace(origin / "templates/brokers/redis.jinja", "set events = true", "set events = false")
    commit(origin)
    updated = run_make(project, "update")
    assert updated.returncode == 0, updated.stderr
    assert updated.stdout.endswith("\nFlower is left out: Redis has no events for it to show.\n")
    assert record(project)["context"]["cookiecutter"]["flower"] is False
    assert files(project) == files(cookiecutter(origin, tmp_path / "fresh"))


def test_a_fix_in_the_tool_reaches_a_project_that_is_not_updated(
    origin: Path, tmp_path: Path
) -> None:
    project = cookiecutter(origin, tmp_path)
    replace(origin / "tools/project.py", "Nothing to do: the project already", "Fixed: it already")
    commit(origin)
    switched = run_make(project, "switch", "broker=redis")
    assert switched.stdout.startswith("Fixed: it already has this broker.")
    assert not git(project, "status", "--porcelain")


def test_a_newer_version_is_reported(origin: Path, tmp_path: Path) -> None:
    # CI checks out pull requests like this.
    git(origin, "checkout", "--quiet", "--detach")
    project = cookiecutter(origin, tmp_path)
    # An empty variable of make counts as unset.
    assert "on the newest version" in run_make(project, "outdated", "template=").stdout
    misspelt = run_make(project, "outdated", "tempalte=x").stderr
    assert misspelt.startswith("tempalte is not an option of outdated: it has only template=")
    release(origin)
    reported = run_make(project, "outdated")
    assert reported.returncode == 2
    assert reported.stderr.startswith("The template has a newer version: run make update.")


@pytest.mark.exhaustive
def test_the_newest_tool_works_on_a_project_that_had_one_of_its_own(tmp_path: Path) -> None:
    """The project is from the last version that put the whole tool into each project."""
    origin = tmp_path / "template"
    git(ROOT, "clone", "--quiet", str(ROOT), str(origin))
    brought = ("log", "--format=%H", "--diff-filter=A", "--", "tools/project.py")
    git(origin, "checkout", "--quiet", "--detach", f"{git(origin, *brought).split()[-1]}^")
    project = cookiecutter(origin, tmp_path)
    had = (project / "scripts/template.py").read_text()
    # The settings of Celery have changed too much since then to merge edits.
    edit_others(project)
    commit(project)
    git(origin, "checkout", "--quiet", "-")
    copy_files(origin)
    commit(origin)
    update = run_make(project, "update")
    assert update.returncode == 0, update.stderr
    edit_celery(project)
    commit(project)
    switch = run_make(project, "switch", "broker=rabbitmq")
    assert switch.returncode == 0, switch.stderr
    commit(project)
    assert len((project / "scripts/template.py").read_text()) < len(had) / 4
    fresh = cookiecutter(origin, tmp_path / "fresh", broker="rabbitmq")
    edit(fresh)
    commit(fresh)
    assert files(project) == files(fresh)


@pytest.mark.exhaustive
def test_cruft_updates_a_project_that_cookiecutter_made(origin: Path, tmp_path: Path) -> None:
    project = cookiecutter(origin, tmp_path)
    release(origin)
    updated = cruft(project, "update", "--skip-apply-ask")
    assert updated.returncode == 0, updated.stdout
    assert (project / "config/news.py").exists()
    assert cruft(project, "check").returncode == 0
    commit(project)
    assert run_make(project, "update").stdout.startswith("Nothing to do")


@pytest.mark.exhaustive
def test_a_project_is_updated_to_the_given_version(
    origin: Path, own_git: dict[str, str], tmp_path: Path
) -> None:
    project = cookiecutter(origin, tmp_path)
    release(origin)
    (origin / SLUG / "config/later.py").touch()
    commit(origin)
    unknown = run_make(project, "update", "to=v10", **own_git)
    assert unknown.returncode == 2
    assert unknown.stderr.startswith(f"The template at {origin} has no version v10.")
    assert run_make(project, "update", "to=v9").returncode == 0
    assert (project / "config/news.py").exists()
    assert not (project / "config/later.py").exists()


def test_an_update_changes_the_lines_of_env_that_the_template_changed(
    origin: Path, tmp_path: Path
) -> None:
    project = cookiecutter(origin, tmp_path)
    env = project / ".env"
    known = ENV + env.read_text() + "LAST=no end"
    env.write_text(known)
    replace(origin / SLUG / ".env.example", "\nQUEUE_PREFIX=", "\nQUEUE_PREFIX=new_")
    commit(origin)
    updated = run_make(project, "update")
    assert updated.returncode == 0, updated.stderr
    line = "QUEUE_PREFIX=my_project\n"
    assert env.read_text() == known.replace(line, f"# {line}QUEUE_PREFIX=new_my_project\n")
    assert (project / ".env.bak").read_text() == known
    for path in (env, project / ".env.bak"):
        assert path.stat().st_mode & 0o777 == 0o600
    assert ".env" not in git(project, "diff", "--cached", "--name-only").split()


def test_a_new_address_of_the_template_is_recorded_without_an_update(
    origin: Path, tmp_path: Path
) -> None:
    project = cookiecutter(origin, tmp_path)
    address = f"file://ada:secret@localhost{origin}"
    moved = run_make(project, "update", f"template={address}")
    assert moved.returncode == 0, moved.stderr
    assert moved.stdout == (
        ".cruft.json has the new address: commit it. The template's version is the same.\n"
    )
    assert git(project, "diff", "--cached", "--name-only") == ".cruft.json\n"
    assert record(project)["template"] == f"file://localhost{origin}"
    commit(project)
    again = run_make(project, "update", f"template={address}")
    assert again.stdout.startswith("Nothing to do")


def test_a_login_in_the_record_is_removed(origin: Path, tmp_path: Path) -> None:
    project = cookiecutter(origin, tmp_path)
    replace(project / ".cruft.json", str(origin), f"file://ada:secret@localhost{origin}")
    commit(project)
    assert run_make(project, "update").returncode == 0
    assert record(project)["template"] == f"file://localhost{origin}"


def test_ci_logs_in_to_a_private_template_by_variables(origin: Path, tmp_path: Path) -> None:
    project = cookiecutter(origin, tmp_path)
    address = "https://git.example.com/team/template"
    replace(project / ".cruft.json", str(origin), address)
    guide = (ROOT / "docs/updating.md").read_text().partition("## A private template")[2]
    variables = yaml.safe_load(guide.partition("```yaml\n")[2].partition("```")[0])
    assert variables["GIT_CONFIG_VALUE_0"] == address
    # The template is reachable only with the login.
    key = f"url.{origin}.insteadOf"
    assert variables["GIT_CONFIG_KEY_0"].startswith("url.https://LOGIN@git.example.com/")
    checked = run_make(project, "outdated", **variables | {"GIT_CONFIG_KEY_0": key})
    assert "on the newest version" in checked.stdout, checked.stderr


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("https://token@git.example.com/a.git", "https://git.example.com/a.git"),
        ("https://ada:a@b@git.example.com/@a", "https://git.example.com/@a"),
        ("ssh://git@git.example.com/a.git", "ssh://git@git.example.com/a.git"),
        ("git@git.example.com:a.git", "git@git.example.com:a.git"),
    ],
)
def test_an_address_is_recorded_without_a_login(address: str, kept: str) -> None:
    assert without_login(address) == kept


def test_git_may_have_changed_the_line_endings_of_the_example() -> None:
    assert variables("A=1\r\nB=2\r\n") == variables("A=1\nB=2\n")


def test_nothing_is_proposed_without_a_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI_SERVER_URL", "https://git.example.com")
    monkeypatch.delenv("TEMPLATE_TOKEN", raising=False)
    with pytest.raises(Abort, match="TEMPLATE_TOKEN is not set"):
        propose({}, tmp_path)


GH = """\
#!/bin/sh
# Records GitHub's commands. `pr view` reports an open request after `pr create`.
echo "$@" >> "$ASKED"
case "$1 $2" in
    "pr view") ! grep -q "pr create" "$ASKED" || echo OPEN ;;
    "pr create") cat "$8" >> "$ASKED" ;;
esac
"""


def job(project: Path, host: str) -> str:
    """Return the script of the CI job that opens a request for an update."""
    if host == "gitlab":
        jobs = yaml.safe_load((project / ".gitlab-ci.yml").read_text())
        lines = jobs["template-update"]["script"]
    else:
        workflow = yaml.safe_load((project / ".github/workflows/template.yml").read_text())
        lines = [step["run"] for step in workflow["jobs"]["update"]["steps"] if "run" in step]
    return "\n".join(lines)


@pytest.mark.exhaustive
@pytest.mark.parametrize("host", ["github", "gitlab"])
def test_ci_opens_one_request_for_an_update(host: str, origin: Path, tmp_path: Path) -> None:
    """A local repository stands in for the host, and a script for GitHub's command."""
    project = cookiecutter(origin, tmp_path, ci=host)
    remote, asked = tmp_path / "remote.git", tmp_path / "asked"
    git(project, "branch", "--move", "main")
    git(project, "clone", "--quiet", "--bare", str(project), str(remote))
    git(remote, "config", "receive.advertisePushOptions", "true")
    address = "https://token:secret@git.example.com:8443/team/shop.git"
    (tmp_path / ".gitconfig").write_text(f'[url "{remote}"]\n    insteadOf = {address}\n')
    gh = tmp_path / "bin/gh"
    gh.parent.mkdir()
    gh.write_text(GH)
    gh.chmod(0o755)
    asked.touch()
    runs = iter(range(9))

    def run_job() -> str:
        """Run the job in a new clone, and return all branches of the remote."""
        clone = tmp_path / f"clone{next(runs)}"
        git(tmp_path, "clone", "--quiet", str(remote), str(clone))
        # As runners of GitLab do.
        git(clone, "checkout", "--quiet", "--detach")
        environment = inherited()
        environment.pop("CI_SERVER_URL", None)
        given = {"ASKED": str(asked), "HOME": str(tmp_path)}
        if host == "gitlab":
            given |= {
                "CI_SERVER_URL": "https://git.example.com:8443",
                "CI_PROJECT_PATH": "team/shop",
            }
            given |= {"TEMPLATE_TOKEN": "secret"}
        else:
            given |= {"GITHUB_ACTIONS": "true"}
        script = job(clone, host).replace("/tmp/news", str(tmp_path / "news"))
        done = subprocess.run(
            ["bash", "-ec", script],
            cwd=clone,
            env=environment | given | {"PATH": f"{gh.parent}:{environment['PATH']}"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return git(remote, "for-each-ref")

    before = git(remote, "for-each-ref")
    assert run_job() == before
    release(origin)
    opened = run_job()
    assert "refs/heads/template-update" in opened
    assert "config/news.py" in git(remote, "diff", "--name-only", "main", "template-update")
    told = git(remote, "log", "-1", "--format=%B", "template-update") + asked.read_text()
    assert told.startswith("Update the template\n")
    assert "- Paint it.\n" in told
    run_job()
    assert asked.read_text().count("pr create") == (host == "github")
    git(remote, "branch", "--force", "main", "template-update")
    merged, times = git(remote, "for-each-ref"), asked.read_text()
    assert run_job() == merged
    assert asked.read_text() == times


@pytest.fixture
def rabbitmq(tmp_path: Path) -> Iterator[RabbitMQ]:
    with RabbitMQ(tmp_path / "rabbitmq") as server:
        yield server


@pytest.mark.exhaustive
def test_an_updated_and_switched_project_passes_its_tests(
    rabbitmq: RabbitMQ, tmp_path: Path
) -> None:
    """Update from the version that added alive.py to the working tree."""
    origin = tmp_path / "template"
    git(ROOT, "clone", "--quiet", str(ROOT), str(origin))
    brought = ("log", "--format=%H", "--diff-filter=A", "--", f"{SLUG}/config/alive.py")
    git(origin, "checkout", "--quiet", "--detach", git(origin, *brought).split()[-1])
    project = cookiecutter(origin, tmp_path, result_backend="django-db")
    # The settings of Celery have changed too much since then to merge edits.
    edit_others(project)
    make(project, "install")
    commit(project)
    git(origin, "checkout", "--quiet", "-")
    copy_files(origin)
    commit(origin)
    for words in (["update"], ["switch", "broker=rabbitmq"]):
        made = run_make(project, *words)
        assert made.returncode == 0, made.stderr
        commit(project)
    assert 'name = "requests"' in (project / "uv.lock").read_text()
    add_machinery_tests(project, {"broker": "rabbitmq", "result_backend": "django-db"})
    point_at(project, [rabbitmq])
    make(project, "install", "lint", "test")

"""`make remove-demo` gives the same project as `demo=false`, with the team's edits."""

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.helpers.make import make, run
from tests.helpers.origin import commit, cookiecutter, copy_template, git, run_make, tracked
from tests.helpers.team import edit, replace
from tools.generate import render
from tools.process import Process

# The tests share one project.
pytestmark = pytest.mark.xdist_group("without the demo")

# Each copy gets its own environment.
VENV = shutil.ignore_patterns(".venv")


def tables(project: Path) -> set[str]:
    """Return the names of the tables and of the applied migrations."""
    with closing(sqlite3.connect(project / "db.sqlite3")) as database:
        names = database.execute(
            "SELECT name FROM sqlite_master UNION SELECT app || name FROM django_migrations"
        )
        return {name for (name,) in names}


def used_project(folder: Path, scheduler: str = "settings") -> Path:
    """Return an installed project with a team's edits and uploads."""
    origin = copy_template(folder / "template")
    project = cookiecutter(origin, folder / "used", scheduler=scheduler)
    edit(project)
    replace(project / "gallery" / "tasks.py", "(400, 400)", "(40, 40)")
    make(project, "install")
    commit(project)
    uploads = project / "media" / "gallery"
    uploads.mkdir(parents=True)
    (uploads / "picture.jpg").touch()
    return project


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return used_project(tmp_path_factory.mktemp("used"))


def check_removal(project: Path, scheduler: str, folder: Path) -> None:
    """Check that `make remove-demo` gives a fresh project with the same edits."""
    assert any("gallery" in name for name in tables(project))
    removed = run_make(project, "remove-demo")
    assert removed.returncode == 0, removed.stderr
    assert "before you deploy" in removed.stdout
    assert "Left out" not in removed.stdout
    assert not any("gallery" in name for name in tables(project))
    assert not [*project.glob("gallery"), *project.glob("*/gallery")]
    assert git(project, "stash", "list") == ""
    run(project, "uv", "lock", "--check")
    files = tracked(project)
    assert 'name = "pillow"' not in files.pop("uv.lock")
    assert '"demo": false' in files.pop(".cruft.json")
    for name, text in render({"demo": False, "scheduler": scheduler}).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    edit(folder)
    commit(folder)
    assert files == tracked(folder)


def test_the_demo_is_removed_with_its_tables_and_the_teams_own_work_stays(
    used: Path, tmp_path: Path
) -> None:
    project = shutil.copytree(used, tmp_path / "project", ignore=VENV)
    check_removal(project, "settings", tmp_path / "fresh")


@pytest.mark.exhaustive
def test_a_schedule_in_the_admin_is_removed_too(tmp_path: Path) -> None:
    project = used_project(tmp_path, "database")
    check_removal(project, "database", tmp_path / "fresh")
    with closing(sqlite3.connect(project / "db.sqlite3")) as database:
        scheduled = database.execute("SELECT task FROM django_celery_beat_periodictask").fetchall()
    assert not [task for (task,) in scheduled if "gallery" in task]


def state(project: Path) -> tuple[object, ...]:
    """Return everything that a failed removal could change."""
    head = git(project, "rev-parse", "HEAD"), git(project, "stash", "list")
    media = (project / "media/gallery/picture.jpg").exists()
    return head, git(project, "status", "--porcelain"), tracked(project), tables(project), media


# Of an app whose migrations depend on the demo's.
BILLING = """
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("gallery", "0001_initial")]
    operations = [migrations.RunSQL("CREATE TABLE invoice (id integer)", "DROP TABLE invoice")]
"""


@pytest.mark.parametrize(
    "reason",
    [
        "uncommitted",
        "no template",
        "not written",
        pytest.param("no database", marks=pytest.mark.exhaustive),
        pytest.param("needed", marks=pytest.mark.exhaustive),
    ],
)
def test_a_removal_that_fails_changes_nothing(reason: str, used: Path, tmp_path: Path) -> None:
    project = shutil.copytree(used, tmp_path / "project", ignore=VENV)
    words = ["remove-demo"]
    match reason:
        case "uncommitted":
            (project / "gallery" / "notes.txt").touch()
        case "no template":
            words.append("template=/nowhere")
        case "needed":
            migrations = project / "billing" / "migrations"
            migrations.mkdir(parents=True)
            (migrations / "__init__.py").touch()
            (migrations / "0001_initial.py").write_text(BILLING)
            replace(
                project / "config/settings/base.py", '"accounts",\n', '"accounts", "billing",\n'
            )
            run(project, "uv", "run", "manage.py", "migrate", "--verbosity", "0")
            commit(project)
        case "not written":
            # Git does not replace this file, and does not show that it is changed.
            file = "config/settings/base.py"
            git(project, "update-index", "--skip-worktree", file)
            with (project / file).open("a") as settings:
                settings.write("# mine\n")
        case _:
            replace(project / ".env", "sqlite:///db.sqlite3", "sqlite:////nowhere/db.sqlite3")
    before = state(project)
    refused = run_make(project, *words)
    assert refused.returncode == 2, refused.stdout
    assert "Nothing was changed: " in refused.stderr
    assert "Traceback" not in refused.stderr
    assert state(project) == before


@pytest.mark.exhaustive
def test_a_removal_that_is_interrupted_changes_nothing(used: Path, tmp_path: Path) -> None:
    project = shutil.copytree(used, tmp_path / "project", ignore=VENV)
    before = state(project)
    # Stop in the middle.
    begun, git = tmp_path / "begun", tmp_path / "bin" / "git"
    git.parent.mkdir()
    git.write_text(
        f'#!/bin/sh\ncase "$*" in *cherry-pick*) touch {begun}; exec sleep infinity;; esac\n'
        f'exec {shutil.which("git")} "$@"\n'
    )
    git.chmod(0o755)
    env = {"PYTHONDONTWRITEBYTECODE": "1", "PATH": f"{git.parent}:{os.environ['PATH']}"}
    removal = Process(project, ["make", "remove-demo"], log=tmp_path / "log", env=env)
    removal.start()
    removal.wait_until(begun.exists, "the merge begins")
    removal.interrupt()
    removal.finish()
    said = removal.said()
    assert "Interrupted: nothing was changed." in said
    assert "Traceback" not in said
    assert state(project) == before

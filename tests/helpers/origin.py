"""A copy of the template in its own Git repository, and projects made from it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tools.generate import ROOT, TEMPLATE
from tools.process import inherited


def git(folder: Path, *arguments: str) -> str:
    """Run git in a folder and return its output."""
    own = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
    return subprocess.check_output(["git", *own, *arguments], cwd=folder, text=True)


def commit(folder: Path) -> str:
    """Commit all files of a folder, in a new repository if needed, and return the commit."""
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message=x")
    return git(folder, "rev-parse", "HEAD").strip()


def copy_template(folder: Path) -> Path:
    """Commit the current template in a new repository."""
    copy_files(folder)
    commit(folder)
    return folder


def copy_files(folder: Path) -> None:
    """Replace a folder's files of the template with the current ones."""
    names = ["cookiecutter.json", "hooks", "templates", TEMPLATE.name]
    for name in [*names, "tools/project.py", "benchmarks/project"]:
        if (ROOT / name).is_dir():
            shutil.rmtree(folder / name, ignore_errors=True)
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, folder / name, ignore=ignored)
        else:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)


def copy_repository(folder: Path) -> Path:
    """Copy this repository, with its changes and without ignored files, for changes."""
    names = git(ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in names.split("\0")[:-1]:
        if (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    return folder


def tracked(project: Path) -> dict[str, str]:
    """Return the text of each staged file by its path."""
    names = git(project, "ls-files", "-z").split("\0")[:-1]
    return {name: (project / name).read_text(encoding="utf-8") for name in names}


def cookiecutter(template: Path, folder: Path, **answers: str) -> Path:
    """Make a project with the cookiecutter command, commit it and return it."""
    folder.mkdir(exist_ok=True)
    words = [f"{key}={value}" for key, value in answers.items()]
    command = [sys.executable, "-m", "cookiecutter", "--no-input", f"--output-dir={folder}"]
    subprocess.run(
        [*command, str(template), *words],
        env={**os.environ, "HOME": str(folder), "TMPDIR": str(folder)},
        check=True,
        capture_output=True,
    )
    project = folder / answers.get("project_slug", "my_project")
    commit(project)
    return project


def run_make(project: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run make in a project."""
    # Bytecode files would look like leftovers of the command.
    environment = inherited() | {"PYTHONDONTWRITEBYTECODE": "1"} | variables
    return subprocess.run(
        ["make", *words], cwd=project, env=environment, capture_output=True, text=True, check=False
    )

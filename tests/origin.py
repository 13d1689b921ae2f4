"""The template in a repository of its own, and what git tells about repositories."""

import shutil
import subprocess
from pathlib import Path

from tools.generate import ROOT, TEMPLATE


def git(folder: Path, *arguments: str) -> str:
    """Return what git says in a folder."""
    own = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
    return subprocess.check_output(["git", *own, *arguments], cwd=folder, text=True)


def commit(folder: Path) -> str:
    """Commit all there is in a folder, which becomes a repository, and return the commit."""
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message=x")
    return git(folder, "rev-parse", "HEAD").strip()


def copy_template(folder: Path) -> Path:
    """Commit the template, as it is now, in a new repository."""
    folder.mkdir()
    for name in ("cookiecutter.json", "hooks", "templates", TEMPLATE.name):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name)
    commit(folder)
    return folder

"""The files of a project that are published in its repository and its image."""

import subprocess
from pathlib import Path

from docker.utils.build import exclude_paths


def tracked(project: Path) -> list[Path]:
    """Return the files that git would track."""
    subprocess.run(["git", "init", "--quiet"], cwd=project, check=True)
    subprocess.run(["git", "add", "--all"], cwd=project, check=True)
    listed = subprocess.check_output(["git", "ls-files", "-z"], cwd=project, text=True)
    return [project / name for name in listed.split("\0") if name]


def in_image(project: Path) -> list[Path]:
    """Return the files that .dockerignore lets into the image."""
    lines = (project / ".dockerignore").read_text(encoding="utf-8").splitlines()
    patterns = [line for line in lines if line and not line.startswith("#")]
    paths = [project / path for path in exclude_paths(str(project), patterns)]
    return [path for path in paths if path.is_file()]

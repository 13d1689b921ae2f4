"""Read a project's Dockerfile."""

import re
from pathlib import Path


def dockerfile(project: Path) -> str:
    """Return a project's Dockerfile with an instruction on each line, without comments."""
    text = (project / "Dockerfile").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.strip().startswith("#")]
    return "\n".join(lines).replace("\\\n", "")


def instruction(project: Path, pattern: str) -> str:
    """Return the argument of the one instruction that matches the pattern's group."""
    (found,) = re.findall(pattern, dockerfile(project), re.MULTILINE)
    return str(found)


# Runs while the image is built.
BUILD = "^RUN (SECRET_KEY=.*)"

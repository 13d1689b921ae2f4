"""Write into docs/switching.md how many files and lines `make switch` changes."""

import subprocess
import tempfile
import tomllib
from collections.abc import Mapping
from datetime import date
from pathlib import Path

from tools.generate import ROOT, Answer, choices, render

PAGE = ROOT / "docs" / "switching.md"
COUNTED = "Counted on"
# Other answers of the projects, so that every choice of the question works.
OTHERS: Mapping[str, Mapping[str, Answer]] = {
    "broker": {"database": "postgresql", "result_backend": "django-db", "flower": False},
    "result_backend": {},
}


def main() -> None:
    before, _, _ = PAGE.read_text(encoding="utf-8").partition(COUNTED)
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    counted = f"{COUNTED} {date.today()}, after version {version} of the template."
    PAGE.write_text(f"{before}{counted}\n\n{tables()}", encoding="utf-8")


def tables() -> str:
    """Return the current tables, in Markdown."""
    return "\n\n".join(table(question) for question in OTHERS) + "\n"


def table(question: str) -> str:
    """Return the number of files and lines that each switch changes, in Markdown."""
    offered = [str(choice) for choice in choices()[question]]
    head = [f"from `{question}`", *(f"to `{choice}`" for choice in offered)]
    rule = ["---", *("--:" for _ in offered)]
    rows = [[f"`{old}`", *(size(question, old, new) for new in offered)] for old in offered]
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, rule, *rows])


def size(question: str, old: str, new: str) -> str:
    """Return the number of changed files and lines, and of lines in files that both have."""
    if old == new:
        return ""
    projects = {choice: render({**OTHERS[question], question: choice}) for choice in (old, new)}
    with tempfile.TemporaryDirectory() as name:
        for choice, files in projects.items():
            for path, text in files.items():
                file = Path(name, choice, path)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text, encoding="utf-8")
        command = ["git", "diff", "--no-index", "--no-renames", "--numstat", old, new]
        # git exits with 1 if there are differences.
        run = subprocess.run(command, cwd=name, capture_output=True, text=True, check=False)
    changes = [line.split("\t") for line in run.stdout.splitlines()]
    edited = [change for change in changes if "/dev/null" not in change[2]]
    return f"{len(changes)} files, {lines(changes)} lines ({lines(edited)})"


def lines(changes: list[list[str]]) -> int:
    return sum(int(added) + int(removed) for added, removed, _ in changes)


if __name__ == "__main__":
    main()

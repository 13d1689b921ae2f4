"""Record the pictures of the terminal: docs/try.svg, `make try`; docs/new.svg, `make new`."""

import os
import pty
import re
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from rich.console import Console
from rich.text import Text

from tools import try_project
from tools.generate import ROOT, choices

# Answers to questions of `make new`. The others are answered by the return key.
TYPED = {"its display name": "My Shop", "which message broker": "2"}
# Rich colours the default answer at the end of a question.
QUESTION = re.compile(rb"\)\x1b\[0m: $")


def main() -> int:
    """Record both commands, and save what the terminal shows at the end."""
    # On a dumb terminal, Rich draws no spinner, of which every frame would be recorded.
    os.environ["TERM"] = "dumb"
    console = terminal("make try", width=84)
    try_project.console = console
    if code := try_project.main([]):
        return code
    save(console, "try")
    console = terminal("make new", width=100)
    console.print(Text.from_ansi(new(width=100)))
    save(console, "new")
    return 0


def terminal(command: str, width: int) -> Console:
    """Return a terminal that records, and in which a command was entered."""
    # Rich ignores the width of a dumb terminal unless it has a height, too.
    console = Console(
        record=True,
        force_terminal=True,
        color_system="truecolor",
        width=width,
        height=25,
        highlight=False,
    )
    console.print(f"$ {command}")
    return console


def save(console: Console, name: str) -> None:
    picture = console.export_svg(title=f"make {name}", unique_id=name)
    # Rich pads the lines of its style sheet.
    text = re.sub(r"[ \t]+$", "", picture, flags=re.MULTILINE)
    (ROOT / "docs" / f"{name}.svg").write_text(text, encoding="utf-8")
    print(f"docs/{name}.svg")


def new(width: int) -> str:
    """Answer the questions of `make new` in a terminal. Return what it shows, with its colours.

    Raises CalledProcessError if no project was made.
    """
    colours = {"TERM": "xterm-256color", "COLUMNS": str(width), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tools.new", "into=.."]
    ours, theirs = pty.openpty()
    shown = b""
    with tempfile.TemporaryDirectory(prefix="record-") as name:
        clone = Path(name, "template")
        clone.mkdir()
        asked = subprocess.Popen(
            command, cwd=clone, env=os.environ | colours, stdin=theirs, stdout=theirs, stderr=theirs
        )
        os.close(theirs)
        # On Linux, reading fails when the program has ended.
        with suppress(OSError):
            while chunk := os.read(ours, 4096):
                shown += chunk
                if QUESTION.search(shown):
                    question = shown.decode().rpartition(f"/{len(choices())}]")[2]
                    typed = next((TYPED[text] for text in TYPED if text in question), "")
                    os.write(ours, f"{typed}\n".encode())
        asked.wait()
        os.close(ours)
    if asked.returncode:
        raise subprocess.CalledProcessError(asked.returncode, command)
    return shown.decode().replace("\r", "").strip("\n")


if __name__ == "__main__":
    sys.exit(main())

"""Run the newest tool of the template that made this project, as `make update` does."""

import json
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent


def main(*words: str) -> int | str:
    """Return the exit code of the tool, or the reason why it did not run."""
    try:
        record = json.loads((PROJECT / ".cruft.json").read_text(encoding="utf-8"))
        address = record["template"]
    except (OSError, KeyError, ValueError):
        return (
            ".cruft.json, which records the template, is missing or unreadable: restore it from"
            " git, or link the template by uvx cruft link ADDRESS --checkout VERSION"
        )
    for word in words:
        if word.startswith("template="):
            address = word.removeprefix("template=")
    with tempfile.TemporaryDirectory() as folder:
        command = ["git", "clone", "--quiet", "--", address, folder]
        clone = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
        tool = Path(folder, "tools", "project.py")
        if not tool.exists():
            reason = " ".join(clone.stderr.split()) or "it has no tools/project.py"
            # Without a login in the address.
            shown = re.sub(r"(?<!ssh)://[^/\s]*@", "://", f"{address} ({reason})")
            return (
                f"Nothing was changed: cannot fetch the template from {shown}."
                " Try again online, or name another address: template=ADDRESS"
            )
        # Ctrl-C stops the tool, which cleans up first.
        signal.signal(signal.SIGINT, lambda *_: None)
        return subprocess.run([sys.executable, tool, *words], cwd=PROJECT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

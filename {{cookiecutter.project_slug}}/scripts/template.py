"""Run the newest tool of the template that made this project, as `make update` does."""

import json
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent

try:
    record = json.loads((PROJECT / ".cruft.json").read_text(encoding="utf-8"))
    address = str(record["template"])
except (OSError, KeyError, TypeError, ValueError):
    sys.exit(
        ".cruft.json, which records the template, is missing or unreadable: restore it from"
        " git, or link the template with uvx cruft link ADDRESS --checkout VERSION"
    )
for word in sys.argv[1:]:
    if word.startswith("template="):
        address = word.removeprefix("template=") or address
with tempfile.TemporaryDirectory() as folder:
    command = ["git", "clone", "--quiet", "--", address, folder]
    cloned = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    tool = Path(folder, "tools", "project.py")
    if not tool.exists():
        reason = " ".join(cloned.stderr.split()) or "it has no tools/project.py"
        # Without a login in the address.
        tried = re.sub(r"(?<!ssh)://[^/\s]*@", "://", f"{address} ({reason})")
        sys.exit(
            f"Nothing was changed: cannot fetch the template from {tried}."
            " Check your connection, or give another address: template=ADDRESS"
        )
    # Ctrl-C stops the tool, which cleans up first.
    signal.signal(signal.SIGINT, lambda *_: None)
    sys.exit(subprocess.call([sys.executable, tool, *sys.argv[1:]], cwd=PROJECT))

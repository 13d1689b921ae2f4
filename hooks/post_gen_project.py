"""Delete the files of features not chosen, create secrets, and print the next steps."""

import json
import os
import re
import runpy
import shutil
import subprocess
import textwrap
from pathlib import Path
from typing import Any

answers = json.loads(r"""{{ cookiecutter | jsonify }}""")
file = Path("manifest.json")
manifest = json.loads(file.read_text(encoding="utf-8"))
file.unlink()
answers |= manifest["answers"]

for feature in manifest["features"]:
    for path in map(Path, feature["paths"] if not feature["when"] else []):
        if path.is_dir():
            shutil.rmtree(path)
        # It may have been deleted with its folder.
        path.unlink(missing_ok=True)
        if path.parent.is_dir() and not any(path.parent.iterdir()):
            path.parent.rmdir()

runpy.run_path("scripts/env.py", run_name="__main__")


def read_origin() -> dict[str, Any] | None:
    """Return the address and the commit of the template, or None if git cannot fetch it."""
    folder = Path(os.environ.get("PWD", ""), answers["_repo_dir"]).resolve()
    git = ["git", f"--git-dir={folder / '.git'}"]

    def ask(*question: str) -> str:
        return subprocess.check_output(
            [*git, *question], stderr=subprocess.DEVNULL, encoding="utf-8"
        ).strip()

    try:
        # Like fetching, this fails in a folder of another user.
        commit, *_ = ask("ls-remote", str(folder), "HEAD").split()
        given = Path(os.environ.get("PWD", ""), answers["_template"])
        address = str(folder) if given.is_dir() else ask("config", f"remote.{ask('remote')}.url")
    except (OSError, ValueError, subprocess.CalledProcessError):
        return None
    # Drop the login from the address, since the record is shared. ssh needs its user name.
    return {"template": re.sub(r"(?<!ssh)://[^/\s]*@", "://", address), "commit": commit}


# Cruft writes its file itself.
if "_repo_dir" in answers:
    if origin := read_origin():
        given = {key: answer for key, answer in answers.items() if not key.startswith("_")}
        record = {**origin, "checkout": None, "context": {"cookiecutter": given}, "directory": None}
        text = json.dumps(record, ensure_ascii=False, indent=2) + "\n"
        Path(".cruft.json").write_text(text, encoding="utf-8")
    else:
        manifest["notes"].append(
            "The template is not in a git repository, or in one of another user, so `make update`"
            " cannot fetch it. Link another: uvx cruft link ADDRESS"
        )
if answers["ci"] != "none" and any((parent / ".git").exists() for parent in Path.cwd().parents):
    manifest["notes"].append(
        "The project is inside another git repository. CI finds its files only in the repository's"
        " top folder: move them there."
    )

texts = ["project_name", "project_slug", "description", "author_name", "author_email"]
# In the order of the questions: `answers` is sorted.
made = [
    f"{key}={answers[key] if isinstance(answers[key], str) else json.dumps(answers[key])}"
    for key in json.loads(r"""{{ cookiecutter | list | jsonify }}""")
    if not key.startswith("_") and key not in texts
]
services = "services " if manifest["services"] else ""
print(textwrap.fill(f"Created with {', '.join(made)}.", break_on_hyphens=False))
for note in manifest["notes"]:
    print(f"Note: {note}")
print(
    f"""
Your project is ready. Run it:

    cd {{ cookiecutter.project_slug }}
    make {services}install
    make dev
"""
)

"""Drops the files of choices not made, makes the secrets, and says what to do next."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

manifest = Path(".keep.json")

for path, kept in json.loads(manifest.read_text(encoding="utf-8")).items():
    if not kept and Path(path).is_dir():
        shutil.rmtree(path)
    elif not kept:
        # It may have gone with its folder.
        Path(path).unlink(missing_ok=True)
manifest.unlink()

subprocess.run([sys.executable, "scripts/env.py"], check=True)

print(
    """
Your project is ready: broker {{ cookiecutter.broker }}, results {{ cookiecutter.result_backend }}.
Three commands, and it runs:

    cd {{ cookiecutter.project_slug }}
    make {{ "services " if cookiecutter.database == "postgresql" }}install
    make dev
"""
)

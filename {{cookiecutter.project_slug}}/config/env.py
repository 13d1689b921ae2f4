"""The environment. Development and tests read `.env`, too; production does not."""

import os
import sys
from pathlib import Path
from typing import NoReturn

import environ

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()


def require(examples: dict[str, str]) -> None:
    """End the program unless each variable is set: name those that are missing, with examples."""
    reasons = [
        f"{name} is not set. Set it in the environment, such as {name}={example}"
        for name, example in examples.items()
        if not os.environ.get(name)
    ]
    if reasons:
        refuse(*reasons)


def refuse(*reasons: str) -> NoReturn:
    """End the program with reasons: what is wrong in the environment, and how to fix it."""
    for reason in reasons:
        print(f"ERROR: {reason}", file=sys.stderr)
    # Gunicorn gives up on this exit code; on others it would retry forever.
    sys.exit(3)

"""The environment. Development and tests add to it what `.env` says; production does not."""

import os
import sys
from pathlib import Path
from typing import NoReturn

import environ

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()


def require(examples: dict[str, str]) -> None:
    """Ends the program unless each variable is set; tells which is not, with its example."""
    reasons = [
        f"{name} is not set. Set it in the environment, such as {name}={example}"
        for name, example in examples.items()
        if not os.environ.get(name)
    ]
    if reasons:
        refuse(*reasons)


def refuse(*reasons: str) -> NoReturn:
    """Ends the program, and tells each reason: what is wrong in the environment, and what to do."""
    for reason in reasons:
        print(f"ERROR: {reason}", file=sys.stderr)
    # With this exit code, gunicorn gives up; with others, it would try again for ever.
    sys.exit(3)

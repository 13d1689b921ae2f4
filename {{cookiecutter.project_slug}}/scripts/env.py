"""Make `.env` from `.env.example`, with secrets of its own, readable by its owner only."""

import os
import re
import secrets
from collections import defaultdict
from contextlib import suppress
from pathlib import Path


def fill(example: str) -> str:
    """Replace each <NAME> by a random secret, the same one wherever the name occurs."""
    values: defaultdict[str, str] = defaultdict(lambda: secrets.token_hex(32))
    return re.sub(r"<([A-Z_]+)>", lambda match: values[match[1]], example)


def main() -> None:
    folder = Path(__file__).resolve().parent.parent
    example = (folder / ".env.example").read_text(encoding="utf-8")
    # What is there already stays as it is.
    with suppress(FileExistsError):
        file = os.open(folder / ".env", os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode=0o600)
        with open(file, "w", encoding="utf-8") as env:
            env.write(fill(example))


if __name__ == "__main__":
    main()

"""Makes `.env` from `.env.example`, with secrets of its own, readable by its owner only.

Each <NAME> in the example becomes a random text, the same wherever the name stands.
"""

import os
import re
import secrets
from collections import defaultdict
from contextlib import suppress
from pathlib import Path

folder = Path(__file__).resolve().parent.parent
values: defaultdict[str, str] = defaultdict(lambda: secrets.token_urlsafe(50))
example = (folder / ".env.example").read_text(encoding="utf-8")
text = re.sub(r"<([A-Z_]+)>", lambda match: values[match[1]], example)

# What is there already stays as it is.
with suppress(FileExistsError):
    file = os.open(folder / ".env", os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode=0o600)
    with open(file, "w", encoding="utf-8") as env:
        env.write(text)

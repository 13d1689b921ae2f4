"""Create `.env` from `.env.example`, with new secrets, readable by its owner only."""

import os
import re
import secrets
from collections import defaultdict
from contextlib import suppress
from pathlib import Path

folder = Path(__file__).resolve().parent.parent
example = (folder / ".env.example").read_text(encoding="utf-8")
# A <NAME> stands for the same random secret wherever it occurs.
values: defaultdict[str, str] = defaultdict(lambda: secrets.token_hex(32))
# Keep an existing file.
with suppress(FileExistsError):
    file = os.open(folder / ".env", os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode=0o600)
    with open(file, "w", encoding="utf-8") as env:
        env.write(re.sub(r"<([A-Z_]+)>", lambda match: values[match[1]], example))

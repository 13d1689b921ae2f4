"""The environment. Development and tests read `.env`, too; production does not."""

import os
import re
import sys
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

import environ

BASE_DIR = Path(__file__).resolve().parent.parent

# A line of `.env`, and an address, that all programs read in the same way.
LINE = re.compile(r"""(?:export )?([A-Z_a-z]\w*)=('[^']*(?<!\\)'|"[^"\\$]*"|(?!#)[^\s'"\\$]*)""")
ADDRESS = re.compile(
    r"[\w+.-]+://(([^\s/?#@[\]%]|%[\da-fA-F]{2})*@)?([\w.,-]|:\d|\[[\w:.]+\])*([/?][^\s#@]*)?"
)


class Env(environ.Env):  # type: ignore[misc]  # it has no types
    """Leaves `$NAME` as it is. django-environ would replace it with another variable's value."""

    def get_value(self, var: str, cast: Any = None, *args: Any, **options: Any) -> Any:
        # Strip blanks around the items of a list.
        cast = [str.strip] if cast is list else cast
        if self.ENVIRON.get(var, "").startswith("$"):
            return self.parse_value(self.ENVIRON[var], cast)
        return super().get_value(var, cast, *args, **options)

    def address(self, var: str, *schemes: str, default: Any = environ.Env.NOTSET) -> str:
        """Return an address with one of the schemes, or several, separated by semicolons."""
        value: str = self.str(var, default=default)
        if not (value.startswith(schemes or "") and all(map(ADDRESS.fullmatch, value.split(";")))):
            refuse(
                f"{var} is not a valid address: write {(*schemes, 'scheme')[0]}://user:password@"
                "host:port/name, and percent-encode special characters: # is %23, / is %2F."
            )
        return value


env = Env()


@cache
def database() -> Any:
    """Return Django's database settings. Queues and results may be in the same database."""
    return env.db_url_config(env.address("DATABASE_URL"))


def read_env() -> None:
    """Read `.env`. The environment overrides it."""
    found: dict[str, str] = {}
    file = BASE_DIR / ".env"
    # Bytes that are not UTF-8 become backslashes, which are refused.
    text = file.read_text("utf-8", "backslashreplace") if file.exists() else ""
    for number, line in enumerate(text.splitlines(), 1):
        match = LINE.fullmatch(line)
        if match and match[1] not in found:
            found[match[1]] = match[2][1:-1] if match[2][:1] in ("'", '"') else match[2]
        elif line.strip() and not line.lstrip().startswith("#"):
            refuse(
                f".env, line {number}: write NAME=value, and each name once. Put single quotes"
                " around a value that has blanks, quotes, #, $ or a backslash."
            )
    os.environ.update(found | os.environ)


def refuse(*reasons: str) -> NoReturn:
    """Exit, and print the errors in the environment and their fixes."""
    for reason in reasons:
        print(f"ERROR: {reason}", file=sys.stderr)
    # Gunicorn stops on this exit code. On others, it would retry forever.
    sys.exit(3)

# {% from "project.jinja" import database with context %}
"""The environment. Development and tests read `.env`, too; production does not."""

import os
import re
import sys
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

import environ

BASE_DIR = Path(__file__).resolve().parent.parent

# The lines of `.env`, and the hosts of addresses, that all programs read alike.
LINE = re.compile(r"""(?:export )?([A-Z_a-z]\w*)=('[^']*(?<!\\)'|"[^"\\$]*"|(?!#)[^\s'"\\$]*)""")
PORT = r"(:([1-5]?\d{1,4}|6[0-4]\d{3}|65[0-4]\d\d|655[0-2]\d|6553[0-5]))?"
HOST = r"://(([^\s/?#@[\],;%]|%[\da-fA-F]{2})*@)?"
HOST += rf"([\w.-]+|\[[\w:.]+\])?{PORT}(,([\w.-]+|\[[\w:.]+\]){PORT})*"
# Options of an address that django-environ would misread.
OPTION = r"(?i:[?&](autocommit|\w+_requests|conn_\w+|disable_\w+|max_entries|timeout)=)"
OPTION += r"(?!(\d+|True|False|None)(&|$))"
BOOLEANS = dict.fromkeys(("true", "yes", "on", "1"), True)
BOOLEANS |= dict.fromkeys(("false", "no", "off", "0"), False)
# Valid values, as errors describe them.
WORDS = {
    "bool": "true or false",
    "int": "a whole number, at least 0",
    "ZoneInfo": "a time zone such as Europe/Berlin",
}


class Env(environ.Env):  # type: ignore[misc]  # it has no types
    """Read values unchanged, or refuse them. django-environ would guess their meaning."""

    @classmethod
    def parse_value(cls, value: str, cast: Any) -> Any:
        if cast is bool:
            return BOOLEANS[value.lower()]
        if cast is int and not value.isdecimal():
            raise ValueError
        # Strip blanks around the items of a list.
        return super().parse_value(value, [str.strip] if cast is list else cast)

    def get_value(self, var: str, cast: Any = None, **options: Any) -> Any:
        try:
            if options.get("default", self.NOTSET) is self.NOTSET and not self.ENVIRON.get(var):
                raise ValueError
            # django-environ would read it as the name of another variable.
            if self.ENVIRON.get(var, "").startswith("$"):
                return self.parse_value(self.ENVIRON[var], cast)
            return super().get_value(var, cast, **options)
        except Exception:
            words = WORDS.get(getattr(cast, "__name__", ""), "set, or not valid")
            refuse(f"{var} is not {words}. Correct it in the environment or .env.")

    def address(self, var: str, *schemes: str, numbered: bool = False, **default: Any) -> str:
        """Return an address with one of the schemes. Celery's may be several: `one;other`."""
        value: str = self.str(var, **default)
        name, path = ("0", r"\d*|(?<=///)[^\s?#@;]*") if numbered else ("name", r"[^\s?#@;]*")
        socket = r"(\+socket)?" if var.startswith("CELERY_") else ""
        form = rf"({'|'.join(map(re.escape, schemes))}){socket}{HOST}(/({path}))?(\?[^\s#@;]*)?"
        addresses = value.split(";") if socket else [value]
        if not all(re.fullmatch(form, address) for address in addresses):
            refuse(
                f"{var} is not a valid address: write {'|'.join(schemes)}://user:password@host:port/"
                f"{name}, and percent-encode special characters: # is %23, / is %2F."
            )
        if option := re.search(OPTION, value):
            refuse(f"{var} is not a valid address: write {option[1]} as a number, True or False.")
        return value


env = Env()


@cache
def database() -> Any:
    """Return Django's database settings. Tests change them; queues and results may use them."""
    return env.db_url_config(env.address("DATABASE_URL", {{ database.schemes }}))


def read_env() -> None:
    """Read `.env`. The environment overrides it."""
    found: dict[str, str] = {}
    file = BASE_DIR / ".env"
    # Other users may not read it. Bytes that are not UTF-8 become backslashes, which are refused.
    data = file.read_bytes() if os.access(file, os.R_OK) else b""
    for number, line in enumerate(re.split("\r?\n", data.decode(errors="backslashreplace")), 1):
        match = LINE.fullmatch(line) if line.replace("\t", "").isprintable() else None
        if match and match[1].isascii() and match[1] not in found:
            found[match[1]] = match[2][1:-1] if match[2][:1] in ("'", '"') else match[2]
        elif line.strip() and not line.lstrip().startswith("#"):
            refuse(
                f".env, line {number}: write NAME=value, and use each name only once. Put single"
                " quotes around a value that has blanks, quotes, #, $ or a backslash."
            )
    os.environ.update(found | os.environ)


def refuse(*reasons: str) -> NoReturn:
    """Exit, and print the errors in the environment and their fixes."""
    for reason in reasons:
        print(f"ERROR: {reason}", file=sys.stderr)
    # Gunicorn stops on this exit code. On others, it would retry forever.
    sys.exit(3)

"""Refuse invalid answers, in one line, before a file is written."""

import json
import keyword
import os
import re
import signal
import sys
import unicodedata
from pathlib import Path
from typing import Any

answers = json.loads(r"""{{ cookiecutter | jsonify }}""")
# Cookiecutter and cruft render a hook in the folder of the template, and run it in the project's.
TEMPLATE = Path(json.loads(r""" {{ lipsum.__globals__["os"].getcwd() | jsonify }} """))

TEXTS = ("project_name", "project_slug", "description", "author_name", "author_email")
# Packages that a project contains or installs: a project of the same name would hide them.
PACKAGES = (TEMPLATE / "hooks" / "package_names.txt").read_text(encoding="utf-8").split()
# Words of YAML, databases of PostgreSQL, and devices of Windows, which cannot be folder names.
RESERVED = """
    true false null yes no on off postgres template0 template1
    con prn aux nul com0 com1 com2 com3 com4 com5 com6 com7 com8 com9
    lpt0 lpt1 lpt2 lpt3 lpt4 lpt5 lpt6 lpt7 lpt8 lpt9
""".split()
# Unicode categories: control characters, lone surrogates, line and paragraph separators.
BREAKING = {"Cc", "Cs", "Zl", "Zp"}
# One broker allows 47 characters in the name of a queue, such as SLUG_staging_default.
SLUG_LENGTH = 31
TEXT_LENGTH = 200


def check_questions() -> str | None:
    """Check the questions and choices of a replayed file, which cookiecutter does not check."""
    if __name__ == "__main__":
        sys.path.insert(0, str(TEMPLATE))
        sys.dont_write_bytecode = True
    from tools.project import Abort, check

    questions = json.loads((TEMPLATE / "cookiecutter.json").read_text(encoding="utf-8"))
    try:
        check({key: answers[key] for key in answers if not key.startswith("_")}, questions)
    except Abort as reason:
        return str(reason)
    return None


def check_texts() -> str | None:
    for key in TEXTS:
        text = answers[key]
        if not isinstance(text, str):
            return f"{key} is not text: put it in quotes."
        if key != "description" and not text.strip():
            return f"{key} is empty: enter some text."
        if BREAKING.intersection(map(unicodedata.category, text)):
            return (
                f"{key} contains a line break or a control character: use printable text on one"
                " line."
            )
        if len(text) > TEXT_LENGTH:
            return f"{key} has {len(text)} characters: at most {TEXT_LENGTH} are allowed."
    return None


def check_slug() -> str | None:
    slug = answers["project_slug"]
    another = f"choose another name (example: {slug}_site)."
    if not re.fullmatch(r"(?!_+$)[a-z_][a-z0-9_]*", slug, re.IGNORECASE | re.ASCII):
        return (
            f"project_slug: {slug!r} is not a valid Python identifier: start with a letter, and use"
            " letters, digits and underscores (example: my_project)."
        )
    if len(slug) > SLUG_LENGTH:
        return f"project_slug has {len(slug)} characters: at most {SLUG_LENGTH} are allowed."
    if keyword.iskeyword(slug) or keyword.issoftkeyword(slug):
        return f"project_slug: {slug!r} is a Python keyword: {another}"
    # Installers ignore case and repeated underscores.
    name = re.sub("_+", "_", slug.lower()).strip("_")
    if name in PACKAGES:
        return f"project_slug: {slug!r} is a package that projects use: {another}"
    if name in RESERVED:
        return f"project_slug: {slug!r} is reserved in YAML, PostgreSQL or Windows: {another}"
    return None


def check_email() -> str | None:
    email = answers["author_email"]
    if re.fullmatch(r"[^@\s\"'<>\\{}]+@[^@\s\"'<>\\{}]+\.[^@\s\"'<>\\{}.]+", email):
        return None
    return f"author_email: {email!r} is not a valid e-mail address (example: ada@example.com)."


def check_together() -> str | None:
    """Check that the answers go together, by the facts of the choices."""
    if __name__ != "__main__":
        # tools/generate.py asks for the facts itself, and compiles them once.
        return None
    from cookiecutter.utils import create_env_with_context
    from jinja2 import FileSystemLoader

    context = {"cookiecutter": answers}
    environment = create_env_with_context(context)
    environment.loader = FileSystemLoader(TEMPLATE / "templates")
    facts: Any = environment.get_template("project.jinja").make_module(context)
    return facts.refused or None


CHECKS = (check_questions, check_texts, check_slug, check_email, check_together)

for check in CHECKS:
    if refusal := check():
        if __name__ == "__main__" and Path.cwd().name != str(answers["project_slug"]):
            # With a replayed slug such as `..`, cookiecutter would now delete a foreign folder.
            print(f"ERROR: {refusal}", file=sys.stderr, flush=True)
            os.kill(os.getppid(), signal.SIGTERM)
            sys.exit(1)
        sys.exit(f"ERROR: {refusal}")

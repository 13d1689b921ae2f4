"""Hostile texts as answers."""

import ast
import re
import tomllib
from pathlib import Path

import yaml
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from tools.generate import Answer, choices

TEXT_KEYS = ("project_name", "project_slug", "description", "author_name", "author_email")
# Questions that accept any text.
TEXTS = ("project_name", "description", "author_name")
DEFAULTS: dict[str, Answer] = {
    "project_name": "My Project",
    "project_slug": "my_project",
    "description": "A Django project with Celery.",
    "author_name": "Ada Lovelace",
    "author_email": "ada@example.com",
    **{key: allowed[0] for key, allowed in choices().items() if allowed},
}

INTACT = [
    """O'Neill "the" \\back\\slash\\""",
    "Café, Übergröße, 中文, 🦑 and 👩‍👩‍👧",
    "{{ cookiecutter.project_slug }} and {{ undefined }}",
    "{{ 1/0 }} {{",
    "{% raw %} # {% if %} {# comment #} }} %} #}",
    '"""',
    "'''",
    "</script><b>&amp;",
    "--leading and - dashes: yes",
    "100 % of %s and %(name)s and ${HOME} $(id) `id` !x",
    "# no: comment, [list], {map}, *alias, &anchor, @at | > ?",
    " spaces around ",
    "no-break\u00a0space, zero\u200bwidth, right-to-left \u202e",
    "unassigned \u0378, private \ue000, no characters \ufffe \U0010ffff, \ufeff",
    "e\u0301\u0301\u0301, \u0627\u0644\u0639\u0631\u0628\u064a\u0629, \U000e0041",
    "\\N{DASH} \\u0041 \\x41 \\n \\",
    "../../up /etc/passwd C:\\con ~",
    "x" * 200,
]
BREAKING = ["\0", "\n", "\r\n", "\t", "\x1b[31m", "\x7f", "\x85", "\u2028", "\ud800", "\udcff"]

# The machine is busy, and the first example loads Unicode's tables.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

PRINTABLE = (
    st.lists(
        st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=40)
        | st.sampled_from(INTACT),
        max_size=3,
    )
    .map("".join)
    .map(lambda text: text[:200])
)
# YAML and JSON may contain surrogates, too.
ANY_TEXT = st.lists(
    st.text(st.characters(exclude_categories=()), max_size=50)
    | st.sampled_from([*INTACT, *BREAKING])
    | st.integers(200, 100_000).map(lambda length: "x" * length),
    max_size=4,
).map("".join)

SLUG = st.one_of(
    st.from_regex(r"[a-zA-Z0-9_]{1,40}", fullmatch=True),
    st.sampled_from(["CON", "nul_", "_Aux", "com1", "django__environ", "true", "on", "postgres"]),
    ANY_TEXT,
)


def assert_intact(answers: dict[str, Answer], files: dict[str, str]) -> None:
    """Check that the files are valid and contain the texts of the answers."""
    name, slug, description, author, email = [str(answers[key]) for key in TEXT_KEYS]
    project = tomllib.loads(files["pyproject.toml"])["project"]
    assert project["description"] == description
    assert project["authors"] == [{"name": author, "email": email}]
    assert project["name"] == re.sub("_", "-", slug.lower()).strip("-")
    # Trailing spaces would be a line break in Markdown.
    assert files["README.md"].startswith(f"# {name.strip()}\n\n{description.strip()}".rstrip())
    assert f"Copyright (c) {author}\n" in files["LICENSE"]
    for path, content in files.items():
        if path.endswith(".py"):
            ast.parse(content, path)
        elif path.endswith((".yaml", ".yml")):
            yaml.safe_load(content)


def assert_one_line(refused: str) -> None:
    assert len(refused.splitlines()) == 1
    assert len(refused) < 1000
    assert refused.endswith(".")


def text_of(project: Path) -> dict[str, str]:
    return {
        path.relative_to(project).as_posix(): path.read_bytes().decode("utf-8")
        for path in project.rglob("*")
        if path.is_file()
    }

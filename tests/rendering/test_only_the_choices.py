"""What is chosen is there, and nothing else."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from typing import Any

import pytest

from tests.helpers.rendered import File, Project, all_answers
from tools.combinations import Combination
from tools.generate import Answer
from tools.services import chosen, services

# One process renders all, since it keeps what it has compiled.
pytestmark = pytest.mark.xdist_group("rendering")


@dataclass
class Word:
    """What stands in a project exactly when a choice was made, save in `neutral` files."""

    pattern: str
    chosen: Callable[[Combination], bool]
    neutral: tuple[str, ...] = ()

    def stands_in(self, file: File) -> bool:
        if file.path in (*self.neutral, ADDRESSES) or "/static/" in file.path:
            return False
        return bool(re.search(self.pattern, f"{file.path}\n{file.text}", re.MULTILINE))


@cache
def facts(broker: Answer) -> Any:
    """Return what the template knows of a broker."""
    return chosen({"broker": broker})["broker"]


@cache
def results(result_backend: Answer) -> Any:
    """Return what the template knows of a result backend."""
    return chosen({"result_backend": result_backend})["result_backend"]


@cache
def needed(broker: Answer, result_backend: Answer) -> list[str]:
    """Return the servers that these two need."""
    return services({"broker": broker, "result_backend": result_backend, "database": "sqlite"})


# Checks each kind of address, whatever the project has.
ADDRESSES = "tests/test_checks_addresses.py"
# Their lines also name what may not be there.
IGNORES = (".dockerignore", ".gitignore", "LICENSE")
WORDS = [
    Word(r"(?i)rabbitmq|amqp://|quorum|erlang", lambda a: a["broker"] == "rabbitmq"),
    Word(r"(?i)pgmq", lambda a: a["broker"] == "pgmq"),
    Word(r"(?i)sqs|\baws|amazon|boto|moto|elasticmq", lambda a: a["broker"] == "sqs", IGNORES),
    Word(
        r"(?i)redis|valkey",
        lambda a: "redis" in needed(a["broker"], a["result_backend"]),
        IGNORES,
    ),
    Word(r"(?i)visibility", lambda a: facts(a["broker"]).visibility_timeout),
    Word(r"(?i)broadcast", lambda a: facts(a["broker"]).broadcasts),
    # Django's name for what other brokers do not have.
    Word(
        r"(?i)priorit(y|ies)",
        lambda a: facts(a["broker"]).priorities,
        ("task_queue/django_tasks.py",),
    ),
    Word(r"django.celery.results", lambda a: str(a["result_backend"]).startswith("django-")),
    Word(r"database_results", lambda a: a["result_backend"] == "django-db"),
    Word(
        r"^CACHE_URL|CACHE_BACKEND|createcachetable|django-cache",
        lambda a: a["result_backend"] == "django-cache",
    ),
    Word(r"(?i)sqlalchemy", lambda a: a["result_backend"] == "sqlalchemy"),
    Word(r"\brpc\b", lambda a: a["result_backend"] == "rpc"),
    Word(
        r"CELERY_RESULT_",
        lambda a: results(a["result_backend"]).results_enabled,
        ("config/settings/test.py", "scripts/valkey.py", "task_queue/checks.py", "docs/deploy.md"),
    ),
    # These say that there are none.
    Word(
        r"(?i)\bchords?\b",
        lambda a: results(a["result_backend"]).chords,
        (
            "docs/deploy.md",
            "docs/tasks.md",
        ),
    ),
    Word(
        r"(?i)\bbeat\b|celerybeat",
        lambda a: a["scheduler"] != "none",
        (*IGNORES, "task_queue/cleanup.py", "config/settings/celery.py", "tests/test_cleanup.py"),
    ),
    Word(r"^task_queue/heartbeat", lambda a: a["scheduler"] != "none"),
    Word(r"django.celery.beat", lambda a: a["scheduler"] == "database"),
    Word(r"(?i)flower", lambda a: bool(a["flower"])),
    Word(r"(?i)postgres|psycopg|CONN_MAX_AGE", lambda a: a["database"] == "postgresql"),
    Word(r"(?i)sqlite", lambda a: a["database"] == "sqlite", IGNORES),
    Word(r"SECURE_CSP", lambda a: a["django"] == "6.1"),
    Word(r"django\.tasks|django_tasks|^TASKS = \{", lambda a: a["django"] == "6.1"),
    Word(r"csp\.middleware\.CSP|django-csp", lambda a: a["django"] == "5.2"),
    Word(r"(?i)gallery|fpdf|pillow", lambda a: bool(a["demo"])),
    Word(r"(?i)docker|compose\b|container", lambda a: bool(a["docker"])),
    Word(r"(?i)kubernetes|kustom|\bkeda\b|kubectl", lambda a: bool(a["kubernetes"])),
    Word(r"(?i)sentry", lambda a: a["observability"] == "sentry"),
    Word(r"(?i)opentelemetry|otel_", lambda a: a["observability"] == "opentelemetry"),
    Word(r"(?i)github", lambda a: a["ci"] == "github"),
    Word(r"(?i)gitlab", lambda a: a["ci"] == "gitlab"),
    Word(r"\bMIT\b", lambda a: a["license"] == "MIT"),
    Word(r"BSD.3-Clause", lambda a: a["license"] == "BSD-3-Clause"),
    Word(r"Apache\b", lambda a: a["license"] == "Apache-2.0"),
    Word(r"\bGPL\b|GNU", lambda a: a["license"] == "GPL-3.0-or-later"),
    Word(r"Proprietary|rights reserved\.", lambda a: a["license"] == "Proprietary"),
]


def pairs_of_answers(rows: Iterable[Combination]) -> set[tuple[object, ...]]:
    return {pair for row in rows for pair in combinations(sorted(row.items()), 2)}


def test_every_answer_meets_every_other(projects: list[Project]) -> None:
    met = pairs_of_answers(project.answers for project in projects)
    assert met == pairs_of_answers(all_answers())


@pytest.mark.parametrize("word", WORDS, ids=lambda word: word.pattern)
def test_only_what_was_chosen_is_there(
    word: Word, projects: list[Project], files: list[File]
) -> None:
    saying = {file for file in files if word.stands_in(file)}
    chosen = [project for project in projects if word.chosen(project.answers)]
    others = [project for project in projects if not word.chosen(project.answers)]
    assert chosen
    assert others
    assert not [project.answers for project in chosen if project.files.isdisjoint(saying)]
    assert not {file.path for project in others for file in project.files & saying}

"""A project contains the chosen features and no others."""

from collections.abc import Iterable, Iterator
from functools import cache, partial
from importlib import import_module
from itertools import combinations
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.helpers.rendered import (
    IGNORES,
    File,
    Project,
    Word,
    all_answers,
    needs,
)
from tools.combinations import Combination
from tools.generate import Answer, choices, facts
from tools.servers import SERVERS

# One process renders everything, to reuse compiled templates.
pytestmark = pytest.mark.xdist_group("rendering")

# It has words such as "redistribute".
LICENSE = ("LICENSE",)


@cache
def knows(broker: Answer) -> Any:
    """Return the facts of a broker."""
    return facts({"broker": broker}).broker


@cache
def results(result_backend: Answer) -> Any:
    """Return the facts of a result backend."""
    return facts({"result_backend": result_backend}).result


def names() -> Iterator[Word]:
    """Yield the names of servers and brokers, and their URL schemes."""
    for name in SERVERS:
        yield Word(f"(?i){name}", partial(needs, name), LICENSE)
        # Other words for the server are in its own test module.
        yield import_module(f"tests.rendering.test_{name}").WORD
    for backend in choices()["result_backend"]:
        known = results(backend)
        named = backend in known.celery_extras or f'"{backend}://' in str(known.settings())
        if named and backend not in SERVERS:
            yield Word(rf"(?i)\b{backend}\b", partial(is_kept_in, backend))
    for broker in choices()["broker"]:
        if broker not in SERVERS:
            yield Word(f"(?i){broker}", partial(is_on, broker))
        scheme = urlsplit(knows(broker).url).scheme
        if scheme and scheme not in SERVERS:
            yield Word(f"(?i){scheme}s?://", partial(has_scheme, scheme))


def is_on(broker: Answer, answers: Combination) -> bool:
    return answers["broker"] == broker


def is_kept_in(result_backend: Answer, answers: Combination) -> bool:
    return answers["result_backend"] == result_backend


def has_scheme(scheme: str, answers: Combination) -> bool:
    return bool(urlsplit(knows(answers["broker"]).url).scheme == scheme)


WORDS = [
    *{word.pattern: word for word in names()}.values(),
    Word(r"(?i)\blease|TASK_LEASE", lambda a: knows(a["broker"]).leases),
    Word(r"(?i)broadcast", lambda a: knows(a["broker"]).broadcasts),
    # Django's API and the properties of messages always have priorities.
    Word(
        r"(?i)priorit(y|ies)",
        lambda a: knows(a["broker"]).priorities,
        ("task_queue/django_tasks.py", "task_queue/models.py", "tests/test_messages.py"),
    ),
    Word(
        r"django.celery.results",
        lambda a: "django_celery_results" in results(a["result_backend"]).apps,
    ),
    Word(
        r"^CACHE_URL|CACHE_BACKEND|createcachetable|django-cache",
        lambda a: bool(results(a["result_backend"]).cache_url),
    ),
    Word(
        r"CELERY_RESULT_",
        lambda a: results(a["result_backend"]).results_enabled,
        ("config/settings/test.py", "scripts/server.py", "task_queue/checks.py", "docs/deploy.md"),
    ),
    # These pages say that chords are not supported.
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
        (
            *IGNORES,
            "task_queue/cleanup.py",
            "config/settings/celery.py",
            "tests/test_cleanup.py",
            "tests/test_health.py",
        ),
    ),
    Word(r"django.celery.beat", lambda a: a["scheduler"] == "database"),
    Word(r"(?i)flower", lambda a: bool(a["flower"])),
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
def test_a_project_contains_only_the_chosen_features(
    word: Word, projects: list[Project], files: list[File]
) -> None:
    saying = {file for file in files if word.stands_in(file)}
    chosen = [project for project in projects if word.chosen(project.answers)]
    others = [project for project in projects if not word.chosen(project.answers)]
    assert chosen
    assert others
    assert not [project.answers for project in chosen if project.files.isdisjoint(saying)]
    assert not {file.path for project in others for file in project.files & saying}

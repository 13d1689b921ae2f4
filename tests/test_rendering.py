"""What is generated is beautiful, whatever the answers."""

import ast
import json
import re
import subprocess
import tomllib
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cache
from itertools import combinations
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlsplit

import jsonschema
import pytest
import yaml
from kubernetes_validate.utils import validate

from tests.machinery import machinery_tests
from tests.programs import KUBECTL, need
from tools.combinations import Combination, every, pairwise
from tools.generate import ROOT, Answer, choices, generate, render
from tools.services import chosen, services

# One process renders all, since it keeps what it has compiled.
pytestmark = pytest.mark.xdist_group("rendering")

SHAPING = ("django", "database", "broker", "result_backend", "scheduler", "flower", "demo")
OTHERS = ("docker", "kubernetes", "observability", "ci", "license")

SLUGS = ("x", "my_project", "x" * 40)
LINES = 40
JINJA = re.compile(r"(?<!\$)\{\{|\{%|\{#")
PINNED = re.compile(r":\d+\.\d+(\.\d+)?(-[a-z]+)?$")
PRODUCTION = ("--file", "compose.yaml", "--file", "compose.prod.yaml")
REQUIREMENT = re.compile(r"[a-z0-9-]+(\[[a-z]+(,[a-z]+)*\])?>=[0-9][0-9.]*(b[0-9])?(,<[0-9.]+)?")


Services = dict[str, dict[str, Any]]
Composed = tuple[Combination, Services, Services]


@dataclass(frozen=True)
class File:
    """A text at a path, which many projects may have."""

    path: str
    text: str

    @property
    def ending(self) -> str:
        return Path(self.path).suffix


@dataclass
class Project:
    answers: Combination
    files: frozenset[File]


@dataclass
class Generated:
    answers: Combination
    folder: Path


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
def needed(broker: Answer, result_backend: Answer) -> list[str]:
    """Return the servers that these two need."""
    return services({"broker": broker, "result_backend": result_backend, "database": "sqlite"})


# The most that a project has without the demo.
FILES = 76
LINES_OF_PYTHON = 3000
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
        lambda a: a["result_backend"] != "none",
        ("config/settings/test.py", "scripts/valkey.py", "task_queue/checks.py", "docs/deploy.md"),
    ),
    # These say that there are none.
    Word(
        r"(?i)\bchords?\b",
        lambda a: a["result_backend"] not in ("rpc", "none"),
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


@pytest.fixture(
    scope="module",
    params=["pairs", pytest.param("combinations", marks=pytest.mark.exhaustive)],
)
def projects(request: pytest.FixtureRequest) -> list[Project]:
    """Return projects with each pair of answers, or with each combination that shapes code."""
    dice = Random(0)
    made = []
    rows = pairwise(all_answers()) if request.param == "pairs" else all_answers(each=1)
    for answers in rows:
        # Where the longest name fits in its lines, all do.
        answered = answers | {"project_slug": dice.choice(SLUGS)}
        # Tests that a project has here only follow its rules, too.
        files = render(answered) | machinery_tests(answered)
        made.append(Project(answers, frozenset(File(*file) for file in files.items())))
    return made


@pytest.fixture(scope="module")
def files(projects: list[Project]) -> list[File]:
    """Return the files of all projects, each once."""
    found = frozenset[File]().union(*(project.files for project in projects))
    return sorted(found, key=lambda file: (file.path, file.text))


@pytest.fixture(scope="module")
def folders(projects: list[Project], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of projects that together hold each different file once.

    What tells ruff about a project is in each: pyproject.toml, and which modules it has.
    """
    root = tmp_path_factory.mktemp("projects")
    written: set[File] = set()
    for number, project in enumerate(projects):
        if fresh := project.files - written:
            written |= fresh
            for file in project.files:
                if file in fresh or file.path == "pyproject.toml" or file.ending == ".py":
                    path = root / str(number) / file.path
                    path.parent.mkdir(parents=True, exist_ok=True)
                    is_module = file.ending == ".py" and file not in fresh
                    path.write_text("" if is_module else file.text, encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def composed(pairs: list[Generated]) -> list[Composed]:
    """Return the services of development and of production, as compose understands them."""

    def services(folder: Path, *options: str) -> Services:
        command = ["docker-compose", *options, "config", "--format", "json"]
        found: Services = json.loads(subprocess.check_output(command, cwd=folder))["services"]
        return found

    return [
        (pair.answers, services(pair.folder), services(pair.folder, *PRODUCTION))
        for pair in pairs
        if pair.answers["docker"]
    ]


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> list[Generated]:
    """Return projects on disk, such that some have each pair of answers."""
    root = tmp_path_factory.mktemp("pairs")
    made = [
        Generated(row, root / str(number)) for number, row in enumerate(pairwise(all_answers()))
    ]
    for pair in made:
        files = render(pair.answers)
        # Compose reads it. A password has no brackets: they are where one is to stand.
        files[".env"] = re.sub("[<>]", "", files[".env.example"])
        for path, text in files.items():
            file = pair.folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
    return made


@cache
def all_answers(each: int = 5) -> list[Combination]:
    """Return all combinations of the answers that shape code, each with some of the others."""
    dice = Random(0)
    others = defaultdict(list)
    for other in every("database", *OTHERS):
        others[other["database"]].append(other)
    shapes = every(*SHAPING)
    return [o | shape for shape in shapes for o in dice.sample(others[shape["database"]], each)]


def pairs_of_answers(rows: Iterable[Combination]) -> set[tuple[object, ...]]:
    return {pair for row in rows for pair in combinations(sorted(row.items()), 2)}


def run(*command: str | Path, cwd: Path | None = None) -> None:
    """Run a command; fail the test with what it says when it fails."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = f"{done.stdout}{done.stderr}".splitlines()
        pytest.fail("\n".join([f"{command[0]} says:", *lines[:LINES]]), pytrace=False)


def found(pairs: Iterable[Generated], path: str) -> list[Path]:
    """Return the files at a path of those projects that have one; there is one at least."""
    paths = [pair.folder / path for pair in pairs if (pair.folder / path).exists()]
    assert paths
    return paths


def python_files(files: Iterable[File]) -> list[File]:
    return [file for file in files if file.ending == ".py"]


def test_every_answer_meets_every_other(projects: list[Project]) -> None:
    met = pairs_of_answers(project.answers for project in projects)
    assert met == pairs_of_answers(all_answers())


def test_python_follows_the_rules_of_the_project(folders: Path) -> None:
    run("ruff", "check", "--no-cache", "--quiet", folders)


def test_python_is_formatted(folders: Path) -> None:
    run("ruff", "format", "--no-cache", "--check", "--diff", "--quiet", folders)


def test_django_templates_are_formatted(folders: Path) -> None:
    run("djade", "--check", *folders.rglob("*.html"))


def test_no_jinja_is_left(files: list[File]) -> None:
    texts = [file for file in files if file.ending != ".html" and "/static/" not in file.path]
    assert not [file.path for file in texts if JINJA.search(file.text)]
    assert not [file.path for file in files if "cookiecutter" in f"{file.path}{file.text}"]


def test_no_line_ends_in_space(files: list[File]) -> None:
    assert not [file.path for file in files if re.search(r"[ \t\r]$", file.text, re.MULTILINE)]


def test_lines_are_indented_by_spaces_except_where_make_wants_tabs(files: list[File]) -> None:
    assert {file.path for file in files if "\t" in file.text} == {"Makefile"}


def test_files_begin_with_text_and_end_with_one_line_end(files: list[File]) -> None:
    texts = [file for file in files if file.text]
    assert not [file.path for file in texts if file.text.strip("\n") + "\n" != file.text]


def test_blank_lines_are_single_save_between_definitions_in_python(files: list[File]) -> None:
    others = [file for file in files if file.ending != ".py" and file.path != "LICENSE"]
    examples = re.compile(r"^ *```python\n.*?^ *```$", re.MULTILINE | re.DOTALL)
    assert not [file.path for file in others if "\n\n\n" in examples.sub("```", file.text)]
    between_statements = re.compile(r"^\S.*\n\n\n(?!@|#|def |class |async |if __name__)", re.M)
    assert not [file.path for file in python_files(files) if between_statements.search(file.text)]


def test_python_is_valid(files: list[File]) -> None:
    for file in python_files(files):
        ast.parse(file.text, file.path)


def test_a_project_has_all_that_its_own_tests_import(projects: list[Project]) -> None:
    needed = re.compile(r"^(?:from|import) (tests\.[\w.]+)", re.MULTILINE)
    for project in projects:
        own = {file.path for file in project.files} - machinery_tests(project.answers).keys()
        for file in project.files:
            if file.path in own:
                modules = needed.findall(file.text)
                assert {f"{module.replace('.', '/')}.py" for module in modules} <= own, file.path


def test_yaml_toml_and_json_are_valid(files: list[File]) -> None:
    readers: dict[str, Callable[[str], object]] = {
        ".json": json.loads,
        ".toml": tomllib.loads,
        ".yaml": lambda text: list(yaml.safe_load_all(text)),
        ".yml": yaml.safe_load,
    }
    read = {file.path: readers[file.ending](file.text) for file in files if file.ending in readers}
    assert {"pyproject.toml", "compose.yaml", ".github/workflows/ci.yml"} <= read.keys()


def test_each_check_has_a_test_and_is_explained(projects: list[Project]) -> None:
    def ids(project: Project, path: str, pattern: str) -> set[str]:
        texts = [file.text for file in project.files if fnmatch(file.path, path)]
        return {found for text in texts for found in re.findall(pattern, text, re.MULTILINE)}

    tested: set[str] = set()
    known: set[str] = set()
    for project in projects:
        checks = ids(project, "task_queue/*.py", r'id="(celery\.[EW]\d{3})"')
        assert checks == ids(project, "docs/deploy.md", r"^\| `(celery\.[EW]\d{3})` \|")
        tested |= ids(project, "tests/test_checks*.py", r"celery\.[EW]\d{3}")
        known |= checks
    assert tested == known


def test_a_project_without_the_demo_is_small(projects: list[Project]) -> None:
    """Manifests of Kubernetes aside, which few look at twice."""
    for project in projects:
        if project.answers["demo"]:
            continue
        machinery = machinery_tests(project.answers)
        files = [file for file in project.files if file.path not in machinery]
        counted = [file for file in files if not file.path.startswith("deploy/kubernetes/")]
        # .cruft.json, too.
        assert len(counted) + 1 <= FILES, project.answers
        python = [file for file in files if file.ending == ".py"]
        assert sum(file.text.count("\n") for file in python) <= LINES_OF_PYTHON, project.answers
        packages = {file.path.split("/")[0] for file in python if file.path.endswith("__init__.py")}
        assert packages == {"accounts", "config", "task_queue", "tests"}


def test_the_readme_is_short(files: list[File]) -> None:
    lengths = {file.text.count("\n") for file in files if file.path == "README.md"}
    assert max(lengths) <= 120


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


def test_dependencies_are_sorted_and_each_has_a_floor(files: list[File]) -> None:
    projects = [tomllib.loads(file.text) for file in files if file.path == "pyproject.toml"]
    for project in projects:
        for group in (project["project"]["dependencies"], project["dependency-groups"]["dev"]):
            assert not [line for line in group if not REQUIREMENT.fullmatch(line)]
            assert group == sorted(group)
            names = [re.split(r"[\[>]", line)[0] for line in group]
            assert len(names) == len(set(names))


def test_containers_are_those_that_the_answers_need(composed: list[Composed]) -> None:
    for answers, development, production in composed:
        servers = set(services(answers))
        ours = {"migrate", "web", "worker"}
        ours |= {"beat"} if answers["scheduler"] != "none" else set()
        ours |= {"flower"} if answers["flower"] else set()
        assert development.keys() == ours | servers
        # Amazon runs it there.
        assert production.keys() == ours | servers - {"sqs"}


def test_containers_start_in_order_and_start_again(composed: list[Composed]) -> None:
    for _, *both in composed:
        for found in both:
            servers = {name for name in found if "build" not in found[name]}
            assert {found[name]["restart"] for name in servers} <= {"unless-stopped"}
            assert all("test" in found[name]["healthcheck"] for name in servers)
            migrate = found["migrate"]
            assert migrate["restart"] == "no"
            waits_for = migrate.get("depends_on", {})
            assert {name: wait["condition"] for name, wait in waits_for.items()} == dict.fromkeys(
                servers, "service_healthy"
            )
            for name in found.keys() - servers - {"migrate"}:
                assert found[name]["restart"] == "unless-stopped"
                assert [*found[name]["depends_on"]] == ["migrate"]
                wait = found[name]["depends_on"]["migrate"]
                assert wait["condition"] == "service_completed_successfully"


def test_one_image_serves_all_processes_and_servers_have_exact_versions(
    composed: list[Composed],
) -> None:
    for _, *both in composed:
        for found in both:
            images = {name: service["image"] for name, service in found.items()}
            ours = {image for name, image in images.items() if "build" in found[name]}
            assert len(ours) == 1
            assert all(PINNED.search(image) for image in {*images.values()} - ours)


def test_in_development_web_server_and_worker_follow_changes_of_the_code(
    composed: list[Composed],
) -> None:
    for _, development, _ in composed:
        assert "runserver" in development["web"]["command"]
        assert development["worker"]["command"][0] == "watchfiles"
        for name in ("web", "worker"):
            assert development[name]["build"]["target"] == "development"
            assert "/app" in {volume["target"] for volume in development[name]["volumes"]}


def test_in_production_containers_have_limits_and_no_server_is_open(
    composed: list[Composed],
) -> None:
    for _, _, production in composed:
        for name, service in production.items():
            assert {"mem_limit", "cpus", "logging"} <= service.keys()
            ports = service.get("ports", [])
            assert {port["host_ip"] for port in ports} <= {"127.0.0.1"}
            assert bool(ports) == (name in ("web", "flower"))
            assert {volume["type"] for volume in service["volumes"]} == {"volume"}
            if "build" in service:
                assert "target" not in service["build"]
                assert service["cap_drop"] == ["ALL"]
                assert "DJANGO_SETTINGS_MODULE" not in service["environment"]


def test_servers_keep_what_they_have(composed: list[Composed]) -> None:
    folders = {
        "redis": "/data",
        "rabbitmq": "/var/lib/rabbitmq",
        "postgresql": "/var/lib/postgresql",
    }
    seen = set()
    for _, development, production in composed:
        for found in (development, production):
            for name in folders.keys() & found.keys():
                (volume,) = found[name]["volumes"]
                assert (volume["type"], volume["target"]) == ("volume", folders[name])
            if "redis" in found:
                command = " ".join(found["redis"]["command"])
                assert "--appendonly yes --maxmemory-policy noeviction" in command
            if "rabbitmq" in found:
                assert "-management" in found["rabbitmq"]["image"]
                assert found["rabbitmq"]["hostname"] == "rabbitmq"
        if "rabbitmq" in development:
            ports = {port["target"] for port in development["rabbitmq"]["ports"]}
            assert ports == {5672, 15672}
        seen |= production.keys() & folders.keys()
    assert seen == folders.keys()


def test_containers_have_time_to_stop_and_tell_whether_they_are_well(
    composed: list[Composed],
) -> None:
    for _, *both in composed:
        for found in both:
            assert found["migrate"]["healthcheck"]["disable"]
            ours = {name for name in found if "build" in found[name]} - {"migrate"}
            for name in ours:
                assert found[name]["init"]
                # More than a worker takes, CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT.
                assert found[name]["stop_grace_period"] == "40s"
                assert "/data" in {volume["target"] for volume in found[name]["volumes"]}
            asked = {name: str(found[name].get("healthcheck", {}).get("test")) for name in ours}
            # By what the image says.
            assert asked.pop("web") == "None"
            assert "/healthcheck" in asked.pop("flower", "/healthcheck")
            assert all("/tmp/alive" in test for test in asked.values())


def test_beat_keeps_its_file_where_it_may_write(
    composed: list[Composed], deployed: list[tuple[Combination, list[Any]]]
) -> None:
    commands = [
        (answers, "/data", " ".join(found["beat"]["command"]))
        for answers, *both in composed
        for found in both
        if answers["scheduler"] != "none"
    ]
    commands += [
        (answers, "/tmp", " ".join(item["spec"]["template"]["spec"]["containers"][0]["command"]))
        for answers, objects in deployed
        for item in objects
        if (item["kind"], item["metadata"]["name"]) == ("Deployment", "beat")
    ]
    assert {folder for _, folder, _ in commands} == {"/data", "/tmp"}
    for answers, folder, command in commands:
        # It has none where the schedule is in the database.
        has_file = f"--schedule {folder}/celerybeat-schedule" in command
        assert has_file == (answers["scheduler"] == "settings")
        assert ("--schedule" in command) == has_file


def test_in_production_sqs_is_asked_as_seldom_as_costs_least(composed: list[Composed]) -> None:
    asked = {
        production["worker"]["environment"]["SQS_WAIT_TIME"]
        for answers, _, production in composed
        if answers["broker"] == "sqs"
    }
    assert asked == {"20"}


def test_in_production_processes_have_the_passwords_that_servers_want(
    composed: list[Composed],
) -> None:
    seen: set[str] = set()
    for _, _, production in composed:
        given = production["worker"]["environment"]
        if "redis" in production:
            *_, wanted = production["redis"]["command"]
            urls = {given.get("CELERY_BROKER_URL"), given.get("CELERY_RESULT_BACKEND")}
            assert wanted in {urlsplit(url).password for url in urls if url}
            assert production["redis"]["environment"]["VALKEYCLI_AUTH"] == wanted
        if "rabbitmq" in production:
            server = production["rabbitmq"]["environment"]
            url = urlsplit(given["CELERY_BROKER_URL"])
            assert url.username == server["RABBITMQ_DEFAULT_USER"]
            assert url.password == server["RABBITMQ_DEFAULT_PASS"]
        if "postgresql" in production:
            server = production["postgresql"]["environment"]
            url = urlsplit(given["DATABASE_URL"])
            assert url.username == "app"
            assert url.password == server["POSTGRES_PASSWORD"]
        seen |= production.keys()
    assert {"redis", "rabbitmq", "postgresql"} <= seen


def test_compose_refuses_to_start_without_a_password(tmp_path: Path) -> None:
    project = generate({"broker": "rabbitmq", "database": "postgresql"}, tmp_path)
    env = project / ".env"
    lines = env.read_text(encoding="utf-8").splitlines()
    passwords = [line for line in lines if "_PASSWORD=" in line]
    assert len(passwords) == 3
    for password in passwords:
        env.write_text("\n".join(line for line in lines if line != password))
        refused = subprocess.run(
            ["docker-compose", *PRODUCTION, "config"],
            cwd=project,
            capture_output=True,
            text=True,
            check=False,
        )
        assert refused.returncode
        name, _, _ = password.partition("=")
        assert f"{name} is missing a value: set it in .env" in refused.stderr


def test_schemas_are_kept(pairs: list[Generated]) -> None:
    def check(schema: str, path: str, *options: str) -> None:
        run("check-jsonschema", "--builtin-schema", schema, *options, *found(pairs, path))

    for path in ("compose.yaml", "compose.override.yaml", "compose.prod.yaml"):
        check("vendor.compose-spec", path)
    for path in (".github/workflows/ci.yml", ".github/workflows/template.yml"):
        check("vendor.github-workflows", path)
    check("vendor.gitlab-ci", ".gitlab-ci.yml", "--data-transform", "gitlab-ci")
    check("vendor.dependabot", ".github/dependabot.yml")
    check("vendor.renovate", "renovate.json")


def test_ci_runs_the_projects_own_commands_and_nothing_else(pairs: list[Generated]) -> None:
    for pair in pairs:
        if pair.answers["ci"] == "none":
            continue
        check, *others = [script for script, _ in ci_jobs(pair.folder)]
        assert check == [f"make {name}" for name in ("install", "lint", "types", "check", "test")]
        image = [["make image"]] if pair.answers["docker"] else []
        assert others == [*image, ["make outdated"], ["make propose"]]


def test_gitlab_checks_each_push_once(pairs: list[Generated]) -> None:
    # A job with rules of its own would run for a merge request, and the check, which has none, not.
    for path in found(pairs, ".gitlab-ci.yml"):
        rules = yaml.safe_load(path.read_text(encoding="utf-8"))["workflow"]["rules"]
        assert rules == [
            {"if": '$CI_PIPELINE_SOURCE == "merge_request_event"', "when": "never"},
            {"when": "always"},
        ]


def test_ci_has_the_servers_that_the_project_needs_in_exact_versions_and_waits_for_them(
    pairs: list[Generated],
) -> None:
    for pair in pairs:
        if pair.answers["ci"] == "none":
            continue
        (_, found), *_ = ci_jobs(pair.folder)
        assert found.keys() == set(services(pair.answers))
        for server in found.values():
            assert PINNED.search(server.get("image") or server["name"])
            waits = server.get("options", "") or str(server.get("variables"))
            assert re.search("--health-cmd|HEALTHCHECK_TCP_PORT", waits)


def ci_jobs(folder: Path) -> list[tuple[list[str], Services]]:
    """Return what each job of a project's CI runs, line by line, and the servers beside it."""
    if (folder / ".gitlab-ci.yml").exists():
        jobs = yaml.safe_load((folder / ".gitlab-ci.yml").read_text(encoding="utf-8"))
        return [
            (job["script"], {service["alias"]: service for service in job.get("services", [])})
            for job in jobs.values()
            if "script" in job
        ]
    workflows = [
        yaml.safe_load((folder / ".github/workflows" / name).read_text(encoding="utf-8"))
        for name in ("ci.yml", "template.yml")
    ]
    return [
        ([step["run"] for step in job["steps"] if "run" in step], job.get("services", {}))
        for workflow in workflows
        for job in workflow["jobs"].values()
    ]


@pytest.fixture(scope="module")
def deployed(pairs: list[Generated]) -> list[tuple[Combination, list[dict[str, Any]]]]:
    """Return what kustomize makes of each overlay, with the answers."""
    need("kubectl", KUBECTL)
    made = []
    for pair in pairs:
        for overlay in sorted((pair.folder / "deploy/kubernetes/overlays").glob("*")):
            command = ["kubectl", "kustomize", str(overlay)]
            text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            made.append((pair.answers, list(yaml.safe_load_all(text))))
    assert {answers["broker"] for answers, _ in made} == {*choices()["broker"]}
    return made


def test_kubernetes_takes_the_manifests(deployed: list[tuple[Combination, list[Any]]]) -> None:
    for _, objects in deployed:
        for item in objects:
            # KEDA's own kinds have no schema there.
            if not item["apiVersion"].startswith("keda.sh/"):
                validate(item, "1.34", strict=True)


def test_pods_are_safe_and_have_time_to_stop(deployed: list[tuple[Combination, list[Any]]]) -> None:
    for answers, objects in deployed:
        named = {(item["kind"], item["metadata"]["name"].partition("-")[0]) for item in objects}
        assert {("ConfigMap", "settings"), ("PersistentVolumeClaim", "media")} <= named
        (settings,) = [item for item in objects if item["kind"] == "ConfigMap"]
        stop = float(settings["data"]["CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT"])
        pods = {
            item["metadata"]["name"]: item["spec"]["template"]["spec"]
            for item in objects
            if item["kind"] in ("Deployment", "Job")
        }
        expected = {"migrate", "web", "worker-default", "worker-slow"}
        expected |= {"beat"} if answers["scheduler"] != "none" else set()
        assert set(pods) == expected | ({"flower"} if answers["flower"] else set())
        for pod in pods.values():
            (container,) = pod["containers"]
            assert pod["terminationGracePeriodSeconds"] >= stop + 15
            assert container["image"].startswith("registry.example.com/")
            assert container["envFrom"] == [
                {"configMapRef": {"name": settings["metadata"]["name"]}},
                {"secretRef": {"name": "secrets"}},
            ]
            assert {"cpu", "memory"} <= container["resources"]["requests"].keys()
            assert container["securityContext"]["readOnlyRootFilesystem"]


def by_kind(objects: list[Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(item["kind"], item["metadata"]["name"]): item for item in objects}


def test_pods_are_probed_and_wait_for_the_tables(
    deployed: list[tuple[Combination, list[Any]]],
) -> None:
    for _, objects in deployed:
        found = by_kind(objects)
        deployments = {name: item for (kind, name), item in found.items() if kind == "Deployment"}
        for name, deployment in deployments.items():
            pod = deployment["spec"]["template"]["spec"]
            (container,) = pod["containers"]
            probe = container["livenessProbe"]
            if name in ("web", "flower"):
                assert probe["tcpSocket"]["port"] == "http"
                path = "/health/" if name == "web" else "/healthcheck"
                assert container["readinessProbe"]["httpGet"]["path"] == path
            else:
                assert "/tmp/alive" in probe["exec"]["command"][-1]
                # The broker may be away for as long.
                assert probe["periodSeconds"] * probe["failureThreshold"] >= 600
            (migrated,) = pod["initContainers"]
            assert "manage.py migrate --check" in migrated["command"][-1]
            assert migrated["image"] == container["image"]
            assert migrated["envFrom"] == container["envFrom"]
        budget = found["PodDisruptionBudget", "web"]["spec"]
        web = deployments["web"]["spec"]
        assert budget["selector"]["matchLabels"] == web["selector"]["matchLabels"]
        assert budget["maxUnavailable"] == 1


def test_uploads_are_there_for_those_that_use_them(
    deployed: list[tuple[Combination, list[Any]]],
) -> None:
    for _, objects in deployed:
        pods = {
            name: item["spec"]["template"]["spec"]
            for (kind, name), item in by_kind(objects).items()
            if kind in ("Deployment", "Job")
        }
        with_uploads = {name for name, pod in pods.items() if "claimName" in str(pod["volumes"])}
        assert with_uploads == {"web", "worker-default", "worker-slow"}


def only(required: str, **properties: object) -> dict[str, object]:
    """Return the schema of an object that has these properties and no others."""
    return {
        "type": "object",
        "required": required.split(),
        "properties": properties,
        "additionalProperties": False,
    }


# KEDA's custom resources, keda.sh/v1alpha1, as https://keda.sh/docs/latest/reference/ has them.
TEXT = {"type": "string"}
COUNT = {"type": "integer", "minimum": 0}
SCALED_OBJECT = only(
    "scaleTargetRef triggers",
    advanced={"type": "object"},
    cooldownPeriod=COUNT,
    fallback={"type": "object"},
    idleReplicaCount=COUNT,
    initialCooldownPeriod=COUNT,
    maxReplicaCount=COUNT,
    minReplicaCount=COUNT,
    pollingInterval=COUNT,
    scaleTargetRef=only("name", apiVersion=TEXT, envSourceContainerName=TEXT, kind=TEXT, name=TEXT),
    triggers={
        "type": "array",
        "minItems": 1,
        "items": only(
            "type metadata",
            authenticationRef=only("name", kind=TEXT, name=TEXT),
            metadata={"type": "object", "additionalProperties": TEXT},
            metricType={"enum": ["AverageValue", "Value", "Utilization"]},
            name=TEXT,
            type=TEXT,
            useCachedMetrics={"type": "boolean"},
        ),
    },
)
TRIGGER_AUTHENTICATION = only(
    "",
    podIdentity=only(
        "provider",
        provider={"enum": ["aws", "aws-eks", "azure-workload", "gcp", "none"]},
        identityOwner={"enum": ["keda", "workload"]},
        roleArn=TEXT,
    ),
    secretTargetRef={
        "type": "array",
        "minItems": 1,
        "items": only("parameter name key", parameter=TEXT, name=TEXT, key=TEXT),
    },
)
# What a trigger takes, and what it must have, by its metadata or by the authentication.
TRIGGERS = {
    "redis": ("address databaseIndex enableTLS listLength listName password", "address listName"),
    "rabbitmq": ("host mode protocol queueName value vhostName", "host mode queueName value"),
    "aws-sqs-queue": ("awsRegion queueLength queueURL scaleOnInFlight", "awsRegion queueURL"),
    "postgresql": ("connection query targetQueryValue", "connection query targetQueryValue"),
}


def test_keda_takes_its_objects(deployed: list[tuple[Combination, list[Any]]]) -> None:
    for _, objects in deployed:
        login = by_kind(objects)["TriggerAuthentication", "broker"]["spec"]
        jsonschema.validate(login, TRIGGER_AUTHENTICATION)
        secret = {item["parameter"] for item in login.get("secretTargetRef", [])}
        scaled = [item["spec"] for item in objects if item["kind"] == "ScaledObject"]
        assert len(scaled) == 2
        for spec in scaled:
            jsonschema.validate(spec, SCALED_OBJECT)
            for trigger in spec["triggers"]:
                assert trigger["authenticationRef"]["name"] == "broker"
                known, needed = (set(words.split()) for words in TRIGGERS[trigger["type"]])
                given = trigger["metadata"].keys() | secret
                assert needed <= given <= known


def test_what_keda_logs_in_with_is_in_the_secret_that_the_guide_tells_to_make(
    deployed: list[tuple[Combination, list[Any]]], pairs: list[Generated]
) -> None:
    folders = [pair.folder for pair in pairs if (pair.folder / "deploy/kubernetes").exists()]
    # Each has two overlays.
    for (_, objects), folder in zip(deployed[::2], folders, strict=True):
        guide = (folder / "docs" / "deploy.md").read_text(encoding="utf-8")
        _, _, listed = guide.partition("Write `secrets.env`")
        secret = set(re.findall("^ +([A-Z_]+)=", listed.split("```")[1], re.MULTILINE))
        login = by_kind(objects)["TriggerAuthentication", "broker"]["spec"]
        assert {item["key"] for item in login.get("secretTargetRef", [])} <= secret


def test_where_a_role_gives_the_rights_pods_have_it(
    deployed: list[tuple[Combination, list[Any]]],
) -> None:
    roles: dict[bool, set[str]] = {True: set(), False: set()}
    for answers, objects in deployed:
        found = by_kind(objects)
        account = found["ServiceAccount", "app"]["metadata"].get("annotations", {})
        roles[answers["broker"] == "sqs"] |= account.keys()
        if answers["broker"] == "sqs":
            (settings,) = [item["data"] for item in objects if item["kind"] == "ConfigMap"]
            (trigger,) = found["ScaledObject", "worker-slow"]["spec"]["triggers"]
            assert trigger["metadata"]["awsRegion"] == settings["AWS_REGION"]
    assert roles == {True: {"eks.amazonaws.com/role-arn"}, False: set()}


def test_no_environment_takes_tasks_of_another(
    deployed: list[tuple[Combination, list[Any]]],
) -> None:
    for production, staging in zip(deployed[::2], deployed[1::2], strict=True):
        prefixes = {
            item["data"]["QUEUE_PREFIX"]
            for _, objects in (production, staging)
            for item in objects
            if item["kind"] == "ConfigMap"
        }
        assert len(prefixes) == 2


def test_queues_scale_and_beat_does_not(deployed: list[tuple[Combination, list[Any]]]) -> None:
    # What brokers put between the prefix and the name of a queue.
    between = r"(:|\.|-|' \|\| '_)"
    for answers, objects in deployed:
        (settings,) = [item["data"] for item in objects if item["kind"] == "ConfigMap"]
        found = {
            (item["kind"], item["metadata"]["name"]): item["spec"]
            for item in objects
            if "spec" in item
        }
        for queue in ("default", "slow"):
            worker = f"worker-{queue}"
            scaled = found["ScaledObject", worker]
            assert scaled["scaleTargetRef"]["name"] == worker
            name = f"{settings['QUEUE_PREFIX']}{between}{queue}"
            metadata = [trigger["metadata"] for trigger in scaled["triggers"]]
            assert all(re.search(name, str(items)) for items in metadata)
            if answers["broker"] == "redis":
                # Where kombu keeps tasks of each priority.
                steps = ["", "\x06\x163", "\x06\x166", "\x06\x169"]
                first = metadata[0]["listName"]
                assert [items["listName"] for items in metadata] == [f"{first}{s}" for s in steps]
            assert "replicas" not in found["Deployment", worker]
            assert (
                found["PodDisruptionBudget", worker]["selector"]["matchLabels"]
                == (found["Deployment", worker]["selector"]["matchLabels"])
            )
        if answers["scheduler"] != "none":
            beat = found["Deployment", "beat"]
            assert (beat["replicas"], beat["strategy"]["type"]) == (1, "Recreate")
            pod = beat["template"]["spec"]
            # Where beat's file is: one breaks on a disk over the network, such as that of uploads.
            mounts = {m["mountPath"]: m["name"] for m in pod["containers"][0]["volumeMounts"]}
            local = {volume["name"] for volume in pod["volumes"] if "emptyDir" in volume}
            assert mounts["/tmp"] in local


def test_github_workflows_are_safe(pairs: list[Generated], tmp_path: Path) -> None:
    # Digests of the images of the servers that CI needs: nothing would renew them.
    config = tmp_path / "zizmor.yml"
    config.write_text("rules: {unpinned-images: {disable: true}}")
    zizmor = ("zizmor", "--offline", "--quiet", "--persona", "auditor", "--config", config)
    run(*zizmor, *found(pairs, ".github"), ROOT / ".github")


def test_dockerfiles_follow_good_practice(pairs: list[Generated]) -> None:
    run("hadolint", *found(pairs, "Dockerfile"))


def test_pre_commit_understands_its_hooks(pairs: list[Generated]) -> None:
    run("pre-commit", "validate-config", *found(pairs, ".pre-commit-config.yaml"))

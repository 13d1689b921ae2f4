"""Each choice is one file, and few files contain Jinja."""

import ast
import json
import re
import subprocess
from fnmatch import fnmatch
from pathlib import Path

import pytest
from jinja2 import nodes

from tools.generate import QUESTIONS as QUESTIONS_FILE
from tools.generate import ROOT, TEMPLATE, choices, environment, facts

TEMPLATES = ROOT / "templates"
QUESTIONS = {
    "brokers": "broker",
    "databases": "database",
    "django": "django",
    "results": "result_backend",
    "schedulers": "scheduler",
    "observability": "observability",
    "licenses": "license",
}

# Put differences between choices into their own files: think twice before you add a path here.
WITH_JINJA = {
    ".env.example",
    ".github/dependabot.yml",
    ".github/workflows/ci.yml",
    ".gitlab-ci.yml",
    "Dockerfile",
    "LICENSE",
    "Makefile",
    "Procfile",
    "Procfile.dev",
    "README.md",
    "compose.override.yaml",
    "compose.prod.yaml",
    "compose.yaml",
    "config/celery.py",
    "config/env.py",
    "config/settings/base.py",
    "config/settings/celery.py",
    "config/settings/production.py",
    "config/settings/test.py",
    "config/urls.py",
    "deploy/kubernetes/base/beat.yaml",
    "deploy/kubernetes/base/kustomization.yaml",
    "deploy/kubernetes/base/shared.yaml",
    "deploy/kubernetes/base/workers.yaml",
    "deploy/kubernetes/overlays/production/kustomization.yaml",
    "deploy/kubernetes/overlays/staging/kustomization.yaml",
    "deploy/monitoring/alerts.yml",
    "docs/deploy.md",
    "docs/operations.md",
    "docs/tasks.md",
    "docs/broker.md",
    "gallery/receivers.py",
    "gallery/status.py",
    "gallery/tasks.py",
    "gallery/workflows.py",
    "manifest.json",
    "pyproject.toml",
    "scripts/server.py",
    "task_queue/README.md",
    "task_queue/apps.py",
    "task_queue/base.py",
    "task_queue/broker.lua",
    "task_queue/broker.py",
    "task_queue/broker_schema/apps.py",
    "task_queue/broker_schema/migrations/0001_initial.py",
    "task_queue/checks.py",
    "task_queue/doctor.py",
    "task_queue/health.py",
    "task_queue/results.py",
    "tests/test_tasks.py",
}


def names(path: Path) -> tuple[set[str], set[str]]:
    """Return the variables and macros that a file exports."""
    tree = environment().parse(path.read_text(encoding="utf-8"))
    targets = [node.target for node in tree.body if isinstance(node, nodes.Assign)]
    variables = {target.name for target in targets if isinstance(target, nodes.Name)}
    macros = {node.name for node in tree.body if isinstance(node, nodes.Macro)}
    return variables, macros


def tracked() -> list[Path]:
    """Return the template's files of the generated project."""
    return [path for path in TEMPLATE.rglob("*") if path.is_file() and path.suffix != ".pyc"]


def test_only_these_files_have_jinja() -> None:
    globs = json.loads(QUESTIONS_FILE.read_text(encoding="utf-8"))["_copy_without_render"]
    plain = {path for path in tracked() if any(fnmatch(str(path), glob) for glob in globs)}
    found = {
        path.relative_to(TEMPLATE).as_posix()
        for path in tracked()
        if path not in plain and re.search(r"# \{%|\{\{|\{#", path.read_text(encoding="utf-8"))
    }
    assert found == WITH_JINJA


@pytest.mark.parametrize(("folder", "question"), QUESTIONS.items())
def test_each_choice_has_one_file_and_each_file_is_a_choice(folder: str, question: str) -> None:
    files = sorted(path.name for path in (TEMPLATES / folder).glob("*.jinja"))
    assert files == sorted(f"{choice}.jinja" for choice in choices()[question])


@pytest.mark.parametrize("folder", [*QUESTIONS, "services"])
def test_all_choices_of_a_question_define_the_same_facts(folder: str) -> None:
    files = {path.stem: names(path) for path in (TEMPLATES / folder).glob("*.jinja")}
    for told in files.values():
        assert told == next(iter(files.values()))


@pytest.mark.parametrize("path", sorted(WITH_JINJA))
def test_a_file_imports_facts_in_one_line(path: str) -> None:
    text = (TEMPLATE / path).read_text(encoding="utf-8")
    assert len(re.findall(r"^# \{% (from|import) ", text, re.MULTILINE)) <= 1


def test_files_ask_for_facts_and_not_for_the_name_of_a_choice() -> None:
    # A license has no facts, only a text.
    asked = "|".join(set(QUESTIONS.values()) - {"license"})
    name = re.compile(rf"cookiecutter\.({asked})\)? *([!=]=|(not )?in) *[\"'(\[]")
    files = [*tracked(), *TEMPLATES.rglob("*.jinja"), ROOT / "tests/project/manifest.json"]
    assert not [path for path in files if name.search(path.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("folder", ["brokers", "results", "services"])
def test_the_page_on_choices_names_each_fact_and_macro(folder: str) -> None:
    page = (ROOT / "docs" / "adding-a-choice.md").read_text(encoding="utf-8")
    explained = page.partition("\n## What the files contain\n")[2]
    variables, macros = names(next((TEMPLATES / folder).glob("*.jinja")))
    assert variables <= set(re.findall(r"`(\w+)`", explained))
    assert macros <= set(re.findall(r"`(\w+)\(.*?\)`", explained))


def test_each_service_that_a_choice_needs_has_a_file_and_each_file_is_needed() -> None:
    needed = {
        service.name
        for question in ("broker", "database", "result_backend")
        for choice in choices()[question]
        for service in facts({question: choice}).services
    }
    assert {path.stem for path in (TEMPLATES / "services").glob("*.jinja")} == needed


@pytest.mark.parametrize("result_backend", choices()["result_backend"])
def test_a_result_backend_with_a_module_of_its_own_has_its_file(result_backend: str) -> None:
    module = TEMPLATES / "results" / f"{result_backend}.py"
    assert facts({"result_backend": result_backend}).result.module == module.exists()


@pytest.mark.parametrize("broker", choices()["broker"])
def test_a_broker_has_the_scripts_that_its_module_reads(broker: str) -> None:
    module = TEMPLATES / "brokers" / f"{broker}.py"
    reads = ".lua" in module.read_text(encoding="utf-8")
    assert reads == module.with_suffix(".lua").exists()


@pytest.mark.parametrize("broker", choices()["broker"])
def test_a_broker_with_a_schema_of_its_own_has_its_file(broker: str) -> None:
    file = TEMPLATES / "brokers" / f"{broker}_schema.py"
    assert ("task_queue.broker_schema" in facts({"broker": broker}).broker.apps) == file.exists()


def test_python_files_are_python_before_they_are_rendered() -> None:
    hooks = [*(ROOT / "hooks").glob("*.py")]
    plain = [
        path
        for path in tracked()
        if path.suffix == ".py" and path.relative_to(TEMPLATE).as_posix() not in WITH_JINJA
    ]
    assert len(hooks) == 2
    for path in [*hooks, *plain]:
        ast.parse(path.read_text(encoding="utf-8"), str(path))


def test_file_names_are_valid_on_windows_and_use_only_the_slug() -> None:
    assert TEMPLATE.name == "{{cookiecutter.project_slug}}"
    inside = [path.relative_to(TEMPLATE).as_posix() for path in TEMPLATE.rglob("*")]
    assert not [path for path in inside if re.search(r'[<>:"|?*\\{}]', path)]


def test_actions_are_pinned_alike_here_and_in_generated_projects() -> None:
    def pins(folder: Path) -> set[str]:
        paths = (folder / ".github/workflows").iterdir()
        workflows = "".join(path.read_text(encoding="utf-8") for path in paths)
        return set(re.findall(r"uses: (\S+@[0-9a-f]{40} # v\S+)", workflows))

    assert pins(ROOT) == pins(TEMPLATE) != set()


@pytest.mark.parametrize(
    ("schema", "glob"),
    [
        ("github-workflows", "workflows/*.yml"),
        ("dependabot", "dependabot.yml"),
        ("github-issue-forms", "ISSUE_TEMPLATE/[!c]*.yml"),
        ("github-issue-config", "ISSUE_TEMPLATE/config.yml"),
    ],
)
def test_github_accepts_our_workflows_and_forms(schema: str, glob: str) -> None:
    files = sorted((ROOT / ".github").glob(glob))
    assert files
    source = ("--builtin-schema", f"vendor.{schema}")
    subprocess.run(["check-jsonschema", *source, *map(str, files)], check=True)

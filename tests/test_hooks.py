"""The hooks need no programs or network, and keep secrets secret."""

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.origin import copy_template, git, run_make
from tools.generate import ROOT, choices, facts, generate
from tools.services import read_env

# A project with every kind of secret: passwords of servers and Flower, and Django's key.
ANSWERS: dict[str, str | bool] = {
    "database": "postgresql",
    "broker": "rabbitmq",
    "flower": True,
    "docker": True,
}
SECRETS = {
    "SECRET_KEY",
    "DATABASE_URL",
    "POSTGRES_PASSWORD",
    "RABBITMQ_PASSWORD",
    "REDIS_PASSWORD",
    "FLOWER_BASIC_AUTH",
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return generate(ANSWERS, tmp_path_factory.mktemp("project"))


def secrets_in(project: Path) -> set[str]:
    """Return the random texts in .env, which replace each <NAME> of the example."""
    example = (project / ".env.example").read_text(encoding="utf-8")
    env = (project / ".env").read_text(encoding="utf-8")
    parts = re.split(r"<[A-Z_]+>", example)
    found = re.fullmatch("(.+?)".join(map(re.escape, parts)), env)
    assert found
    return set(found.groups())


def test_only_the_owner_can_read_the_secrets(project: Path) -> None:
    assert stat.S_IMODE((project / ".env").stat().st_mode) == 0o600


def test_no_placeholder_is_left_in_env(project: Path) -> None:
    values = read_env(project)
    assert values.keys() >= SECRETS
    assert not [value for value in values.values() if re.search("<[A-Z_]+>", value)]
    assert values["POSTGRES_PASSWORD"] in values["DATABASE_URL"]


def test_secrets_are_long_and_differ(project: Path) -> None:
    secrets = secrets_in(project)
    assert len(secrets) == 5
    assert all(len(secret) >= 50 for secret in secrets)


def test_two_projects_share_no_secret(project: Path, tmp_path: Path) -> None:
    assert secrets_in(project).isdisjoint(secrets_in(generate(ANSWERS, tmp_path)))


def test_secrets_are_in_no_other_file(project: Path) -> None:
    others = [path for path in project.rglob("*") if path.is_file() and path.name != ".env"]
    texts = [path.read_text(encoding="utf-8") for path in others]
    assert len(texts) > 50
    assert not [secret for secret in secrets_in(project) if any(secret in text for text in texts)]


def test_git_ignores_the_secrets_and_nothing_else(project: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(project, tmp_path / "copy")
    for command in (["init", "--quiet"], ["add", "-A"]):
        subprocess.run(["git", *command], cwd=copy, check=True, capture_output=True)
    listed = subprocess.check_output(["git", "ls-files", "-z"], cwd=copy, text=True)
    files = {path.relative_to(project).as_posix() for path in project.rglob("*") if path.is_file()}
    assert set(listed.split("\0")) - {""} == files - {".env"}


def run_cookiecutter(folder: Path, *answers: str, **env: str) -> str:
    """Run cookiecutter with its own environment, and return its output."""
    return subprocess.check_output(
        [sys.executable, "-m", "cookiecutter", "--no-input", str(ROOT), *answers],
        cwd=folder,
        env={"HOME": str(folder), "TMPDIR": str(folder), **env},
        text=True,
    )


def test_no_program_is_needed(tmp_path: Path) -> None:
    said = run_cookiecutter(tmp_path, PATH="")
    assert (tmp_path / "my_project" / ".env").exists()
    # Warn now, not at the first update.
    assert "\nNote: The template is not in a git repository, or in one of another user, so" in said


def test_a_template_of_another_user_and_a_project_in_a_repository_are_noted(tmp_path: Path) -> None:
    template = copy_template(tmp_path / "template")
    team = tmp_path / "team"
    team.mkdir()
    git(team, "init", "--quiet")
    command = [sys.executable, "-m", "cookiecutter", "--no-input", str(template), "ci=github"]
    # git's own tests use the last variable.
    env = {"HOME": str(tmp_path), "TMPDIR": str(tmp_path), "PATH": os.environ["PATH"]}
    env["GIT_TEST_ASSUME_DIFFERENT_OWNER"] = "1"
    said = subprocess.check_output(command, cwd=team, env=env, text=True)
    assert "\nNote: The template is not in a git repository, or in one of another user, so" in said
    assert "\nNote: The project is inside another git repository. CI finds its files" in said
    assert not (team / "my_project" / ".cruft.json").exists()


def test_a_project_made_without_hooks_says_so(tmp_path: Path) -> None:
    run_cookiecutter(tmp_path, "--accept-hooks=no", PATH=os.environ["PATH"])
    installed = run_make(tmp_path / "my_project", "install")
    assert installed.returncode == 2
    assert installed.stderr.startswith("The project is incomplete because its hooks did not run: ")


def test_no_network_is_needed(tmp_path: Path) -> None:
    blocked = tmp_path / "blocked"
    blocked.mkdir()
    (blocked / "sitecustomize.py").write_text(
        "import socket\n\ndef refuse(*_):\n    raise SystemExit('the network was used')\n\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
    )
    run_cookiecutter(tmp_path, PATH=os.environ["PATH"], PYTHONPATH=str(blocked))
    assert (tmp_path / "my_project" / ".env").exists()


@pytest.mark.parametrize("broker", choices()["broker"])
def test_the_output_ends_with_three_commands(broker: str, tmp_path: Path) -> None:
    output = run_cookiecutter(tmp_path, f"broker={broker}", PATH=os.environ["PATH"])
    # The answers are shown because cookiecutter ignores misspelt ones.
    assert f"broker={broker}" in output
    bundled = all(service.bundled for service in facts({"broker": broker}).services)
    targets = "install" if bundled else "services install"
    assert re.findall(r"^    (.+)$", output, re.MULTILINE) == [
        "cd my_project",
        f"make {targets}",
        "make dev",
    ]
    makefile = (tmp_path / "my_project" / "Makefile").read_text(encoding="utf-8")
    assert {*targets.split(), "dev"} <= set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))


def test_nothing_of_the_template_is_left_in_the_project(project: Path) -> None:
    assert not (project / "manifest.json").exists()
    assert not list(project.rglob("__pycache__"))
    assert not (project / ".git").exists()


def test_an_existing_env_file_is_kept(project: Path) -> None:
    before = (project / ".env").read_bytes()
    subprocess.run([sys.executable, "scripts/env.py"], cwd=project, check=True)
    assert (project / ".env").read_bytes() == before


def test_the_project_records_its_template_and_answers_without_the_password(
    tmp_path: Path,
) -> None:
    template = copy_template(tmp_path / "template")
    address = "https://user:secret@git.example.com/template"
    # Git fetches this address from the local copy.
    there = {
        "GIT_CONFIG_COUNT": "2",
        "GIT_CONFIG_KEY_0": f"url.{template}.insteadOf",
        "GIT_CONFIG_VALUE_0": address,
        "GIT_CONFIG_KEY_1": "clone.defaultRemoteName",
        "GIT_CONFIG_VALUE_1": "upstream",
    }
    command = [sys.executable, "-m", "cookiecutter", "--no-input", address, "broker=rabbitmq"]
    env = {"HOME": str(tmp_path), "TMPDIR": str(tmp_path), "PATH": os.environ["PATH"], **there}
    subprocess.run(command, cwd=tmp_path, env=env, check=True, capture_output=True)
    record = json.loads((tmp_path / "my_project" / ".cruft.json").read_text())
    assert record["template"] == "https://git.example.com/template"
    assert record["commit"] == git(template, "rev-parse", "HEAD").strip()
    answers = record["context"]["cookiecutter"]
    assert answers["broker"] == "rabbitmq"
    assert answers.keys() == choices().keys()

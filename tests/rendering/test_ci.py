"""CI runs the project's own commands with the servers that it needs."""

import re
from pathlib import Path

import pytest
import yaml

from tests.helpers.rendered import PINNED, Generated, Services, found
from tools.services import services

# One process renders everything, to reuse compiled templates.
pytestmark = pytest.mark.xdist_group("rendering")


def test_ci_runs_the_projects_own_commands_and_nothing_else(pairs: list[Generated]) -> None:
    for pair in pairs:
        if pair.answers["ci"] == "none":
            continue
        check, *others = [script for script, _ in ci_jobs(pair.folder)]
        assert check == [f"make {name}" for name in ("install", "lint", "types", "check", "test")]
        image = [["make image"]] if pair.answers["docker"] else []
        assert others == [*image, ["make outdated"], ["make propose"]]


def test_gitlab_checks_each_push_once(pairs: list[Generated]) -> None:
    # A merge request would start a second pipeline for the jobs that have their own rules.
    for path in found(pairs, ".gitlab-ci.yml"):
        rules = yaml.safe_load(path.read_text(encoding="utf-8"))["workflow"]["rules"]
        assert rules == [
            {"if": '$CI_PIPELINE_SOURCE == "merge_request_event"', "when": "never"},
            {"when": "always"},
        ]


def test_ci_runs_the_needed_servers_in_exact_versions_and_waits_for_them(
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
    """Return the script lines of each CI job, and its servers."""
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

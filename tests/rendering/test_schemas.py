"""Configuration files for other programs are valid."""

from pathlib import Path

import pytest

from tests.helpers.rendered import Generated, found, run
from tools.generate import ROOT

# One process renders everything, to reuse compiled templates.
pytestmark = pytest.mark.xdist_group("rendering")


def test_files_match_their_schemas(pairs: list[Generated]) -> None:
    def check(schema: str, path: str, *options: str) -> None:
        run("check-jsonschema", "--builtin-schema", schema, *options, *found(pairs, path))

    for path in ("compose.yaml", "compose.override.yaml", "compose.prod.yaml"):
        check("vendor.compose-spec", path)
    for path in (".github/workflows/ci.yml", ".github/workflows/template.yml"):
        check("vendor.github-workflows", path)
    check("vendor.gitlab-ci", ".gitlab-ci.yml", "--data-transform", "gitlab-ci")
    check("vendor.dependabot", ".github/dependabot.yml")
    check("vendor.renovate", "renovate.json")


def test_github_workflows_are_safe(pairs: list[Generated], tmp_path: Path) -> None:
    # Nothing would update pinned digests of CI's servers.
    config = tmp_path / "zizmor.yml"
    config.write_text("rules: {unpinned-images: {disable: true}}")
    zizmor = ("zizmor", "--offline", "--quiet", "--persona", "auditor", "--config", config)
    run(*zizmor, *found(pairs, ".github"), ROOT / ".github")


def test_dockerfiles_follow_good_practice(pairs: list[Generated]) -> None:
    run("hadolint", *found(pairs, "Dockerfile"))


def test_pre_commit_understands_its_hooks(pairs: list[Generated]) -> None:
    run("pre-commit", "validate-config", *found(pairs, ".pre-commit-config.yaml"))

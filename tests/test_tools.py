"""What the other tests and the commands rely on."""

import re
import shlex
import shutil
import subprocess
from itertools import combinations
from pathlib import Path

import pytest

from tools.combinations import Combination, every, pairwise
from tools.generate import ROOT
from tools.process import inherited


def make(*arguments: str) -> str:
    """Return what make prints."""
    # These tests may be run by `make`, which tells the one that it starts.
    return subprocess.check_output(["make", *arguments], cwd=ROOT, env=inherited(), text=True)


def pairs(rows: list[Combination]) -> set[tuple[object, ...]]:
    return {pair for row in rows for pair in combinations(row.items(), 2)}


def test_few_rows_stand_for_all_pairs() -> None:
    rows = every("django", "database", "broker", "result_backend")
    few = pairwise(rows)
    assert pairs(few) == pairs(rows)
    assert len(few) < len(rows) / 2


def test_make_alone_lists_each_target() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (targets,) = re.findall(r"^TARGETS := (.+)$", makefile, re.MULTILINE)
    listed = {line.split()[0] for line in make().splitlines()}
    assert listed == {"help", *targets.split()}


@pytest.mark.parametrize("target", ["try", "new"])
def test_make_passes_answers_on_as_they_are(target: str) -> None:
    answers = ["broker=rabbitmq", """project_name=O'Neill's "best"  \\ $HOME $(id) 100 %"""]
    words = shlex.split(make("--dry-run", target, *answers).splitlines()[-1])
    assert set(answers) <= set(words)
    assert len(words) == len(shlex.split(make("--dry-run", target).splitlines()[-1])) + 2


def test_the_lock_names_public_addresses_only() -> None:
    lock = (ROOT / "uv.lock").read_text(encoding="utf-8")
    assert set(re.findall(r"https?://[^/\"]+", lock)) == {
        "https://pypi.org",
        "https://files.pythonhosted.org",
    }


def test_make_brings_a_uv_along_where_there_is_none_that_works(tmp_path: Path) -> None:
    """A pyenv shim may be on PATH whose program is gone."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    shim = tmp_path / "bin" / "uv"
    shim.parent.mkdir()
    shim.write_text("#!/bin/sh\nexit 127\n")
    shim.chmod(0o755)
    path = f"{shim.parent}:/usr/bin:/bin"
    output = subprocess.check_output(
        ["make", "--dry-run", "lint"], cwd=tmp_path, env={"PATH": path}, text=True
    )
    assert output.startswith("python3 -m venv .uv/venv\n")

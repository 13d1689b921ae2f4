"""Tools for the other tests, and the Makefile."""

import json
import os
import re
import shlex
import shutil
import subprocess
from itertools import combinations
from pathlib import Path

import pytest
import yaml

from tests.helpers.origin import cookiecutter, copy_template
from tools.combinations import Combination, every, pairwise
from tools.generate import ROOT, render
from tools.process import inherited


def make(*arguments: str) -> str:
    """Run make and return its output."""
    # Drop the variables of an outer make that runs these tests.
    return subprocess.check_output(["make", *arguments], cwd=ROOT, env=inherited(), text=True)


def pairs(rows: list[Combination]) -> set[tuple[object, ...]]:
    return {pair for row in rows for pair in combinations(row.items(), 2)}


def test_few_rows_cover_all_pairs() -> None:
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
def test_make_passes_on_answers_unchanged(target: str) -> None:
    answers = ["broker=rabbitmq", """project_name=O'Neill's "best"  \\ $HOME $(id) 100 %"""]
    words = shlex.split(make("--dry-run", target, *answers).splitlines()[-1])
    assert set(answers) <= set(words)
    assert len(words) == len(shlex.split(make("--dry-run", target).splitlines()[-1])) + 2


def test_the_example_is_published_with_the_address_of_the_template(tmp_path: Path) -> None:
    """It has no workflows, because a workflow may not push them."""
    workflow = yaml.safe_load((ROOT / ".github/workflows/publish.yml").read_text())
    steps = workflow["jobs"]["publish"]["steps"]
    [script] = [step["run"] for step in steps if "'example'" in step.get("if", "")]
    origin = copy_template(tmp_path / "template")
    project = cookiecutter(origin, tmp_path / "example")
    names = {"GITHUB_SERVER_URL": "https://example.com", "GITHUB_REPOSITORY": "ada/template"}
    where = {"GITHUB_WORKSPACE": str(origin), "FOLDER": str(project)}
    subprocess.run(["bash", "-euc", script], env=os.environ | names | where, check=True)
    assert not (project / ".github/workflows").exists()
    record = json.loads((project / ".cruft.json").read_text(encoding="utf-8"))
    assert record["template"] == "https://example.com/ada/template"


def test_the_lock_names_public_addresses_only() -> None:
    lock = (ROOT / "uv.lock").read_text(encoding="utf-8")
    assert set(re.findall(r"https?://[^/\"]+", lock)) == {
        "https://pypi.org",
        "https://files.pythonhosted.org",
    }


def test_missing_servers_are_listed_if_they_cannot_be_installed(tmp_path: Path) -> None:
    """Without apt-get, as on macOS."""
    for program in ("cat", "dirname", "id", "sh"):
        (tmp_path / program).symlink_to(str(shutil.which(program)))
    script = [str(ROOT / "tools/install-servers.sh"), "servers", "chromium", "promtool"]
    run = subprocess.run(
        script, env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stdout) == (1, "")
    told, _, packages = run.stderr.strip().partition("apt-get install ")
    assert told == "Packages are missing. On Debian or Ubuntu, run: "
    assert {"chromium", "prometheus", "redis-server"} <= set(packages.split())


# Fails in a folder with .python-version, like a pyenv shim without that Python. Its venv has a pip
# that installs a uv.
PYTHON = """\
#!/bin/sh
[ ! -e .python-version ] || exit 127
mkdir -p "$3/bin"
printf '#!/bin/sh\\nprintf "#!/bin/sh" > "${0%%pip}uv"; chmod +x "${0%%pip}uv"' > "$3/bin/pip"
chmod +x "$3/bin/pip"
"""


@pytest.mark.parametrize("of", ["template", "project"])
def test_make_installs_uv_if_none_works(of: str, tmp_path: Path) -> None:
    """Shims of pyenv may be on PATH without their programs."""
    folder = tmp_path / "a folder"
    folder.mkdir()
    makefile = (ROOT / "Makefile").read_text() if of == "template" else render({})["Makefile"]
    (folder / "Makefile").write_text(makefile)
    (folder / ".python-version").touch()
    for name, text in {"uv": "#!/bin/sh\nexit 127\n", "python3": PYTHON}.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    made = subprocess.run(
        ["make", ".uv/bin/uv"],
        cwd=folder,
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    subprocess.run([folder / ".uv/bin/uv"], check=True)

"""Django, uv and compose read the same values from `.env`. Ambiguous lines are refused."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

import pytest

from tools.generate import render

ALPHABET = "ab19_-.,:;=!&|<>(){}[]@%^*~?/+éö`'\"\\$# \t"
SHOW = "import json, os; print(json.dumps(dict(os.environ)))"


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Mapping[str, str]]:
    """Return a function that reads a text as `.env` and returns the variables."""
    library = ModuleType("environ")
    vars(library)["Env"] = type("Env", (), {"NOTSET": None})
    monkeypatch.setitem(sys.modules, "environ", library)
    module: dict[str, Any] = {
        "__file__": str(tmp_path / "config" / "env.py"),
        "__name__": "config.env",
    }
    exec(render({})["config/env.py"], module)

    def read_env(text: str) -> Mapping[str, str]:
        (tmp_path / ".env").write_text(text, encoding="utf-8")
        with monkeypatch.context() as patch:
            patch.setattr(os, "environ", {})
            module["read_env"]()
            return dict(os.environ)

    return read_env


def test_uv_and_compose_read_the_same_values_as_django(
    read: Callable[[str], Mapping[str, str]], tmp_path: Path
) -> None:
    dice = Random(0)
    accepted = []
    for number in range(1000):
        value = "".join(dice.choices(ALPHABET, k=dice.randrange(8)))
        quote = dice.choice(["", "'", '"'])
        line = f"{dice.choice(['', 'export '])}V{number}={quote}{value}{quote}"
        try:
            read(line)
        except SystemExit:
            continue
        accepted.append(line)
    found = read("\n".join(accepted))
    assert len(found) > 300
    compose = {"services": {"web": {"image": "x", "env_file": ".env"}}}
    (tmp_path / "compose.yaml").write_text(json.dumps(compose))

    def run(*command: str) -> Any:
        environment = {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}
        return json.loads(subprocess.check_output(command, cwd=tmp_path, env=environment))

    uv = shutil.which("uv") or os.environ["UV"]
    by_uv = run(uv, "run", "--no-project", "--env-file", ".env", sys.executable, "-c", SHOW)
    assert {name: by_uv.get(name) for name in found} == found
    config = run("docker-compose", "config", "--format", "json")
    by_compose = config["services"]["web"]["environment"]
    # Compose doubles the dollar signs in its output.
    assert {name: value.replace("$$", "$") for name, value in by_compose.items()} == found


@pytest.mark.parametrize(
    "line",
    [
        "V=O'Neil <x@y.z>",
        "V=My Shop",
        "V=$sesame",
        'V="a$sesame"',
        "V=a\\sesame",
        "V= sesame",
        "V=sesame ",
        "V = sesame",
        "V=#sesame",
        "V='sesame\\'",
        "A=sesame",
        'V="-----BEGIN\nsesame\n-----END"',
        "\ufeffV=sesame",
        "V\u00e9=sesame",
        "V='\rsesame'",
        "V='\vsesame'",
        "V='\0sesame'",
        "sesame",
    ],
)
def test_an_ambiguous_line_is_refused_with_its_number(
    line: str, read: Callable[[str], Mapping[str, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        read(f"# A comment\n\nA=1\n{line}\n")
    assert ended.value.code == 3
    said = capsys.readouterr().err
    assert said.startswith("ERROR: .env, line 4: write NAME=value, and use each name only once. ")
    assert said.count("\n") == 1
    assert "sesame" not in said

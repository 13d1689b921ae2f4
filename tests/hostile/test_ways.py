"""Every way to answer keeps a text intact, or refuses it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from tests.helpers.hostile import DEFAULTS, INTACT, TEXTS, assert_intact, text_of
from tests.helpers.ways import COOKIECUTTER, WAYS, Way, run
from tools.generate import ROOT, Answer, refusal, render


def ways_and_texts() -> Iterator[ParameterSet]:
    """Yield each way with the texts in groups of three. `make test` runs one group for each way."""
    for number, way in enumerate(WAYS):
        for place in range(0, len(INTACT), 3):
            marks = [] if place // 3 == number % (len(INTACT) // 3) else [pytest.mark.exhaustive]
            # Typed answers lose the spaces around them.
            texts = [text.strip() for text in INTACT[place : place + 3]]
            yield pytest.param(way, dict(zip(TEXTS, texts, strict=True)), marks=marks)


@pytest.mark.parametrize(("way", "texts"), list(ways_and_texts()))
def test_every_way_to_answer_keeps_hostile_text_intact(
    way: Way, texts: dict[str, Answer], tmp_path: Path
) -> None:
    answers = DEFAULTS | {"project_slug": "mine"} | texts
    made = way(tmp_path, answers)
    assert made.returncode == 0, made.stdout
    (project,) = (tmp_path / "output").iterdir()
    assert project.name == "mine"
    assert_intact(answers, text_of(project))
    files = set(text_of(project)) - {".cruft.json"}
    assert files == {*render(answers), ".env"}


@pytest.mark.parametrize("way", WAYS)
def test_every_way_to_answer_leaves_nothing_after_a_refusal(way: Way, tmp_path: Path) -> None:
    answers = DEFAULTS | {"project_slug": "mine", "description": "a\tb"}
    made = way(tmp_path, answers)
    assert made.returncode == 1
    assert made.stdout.count(f"{refusal(answers)}\n") == 1
    assert not list(tmp_path.glob("output/*"))


def test_an_empty_value_in_a_config_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("default_context: {project_name: }")
    made = run(tmp_path, *COOKIECUTTER, "--no-input", "--config-file=config.yaml", str(ROOT))
    assert made.stdout.startswith("ERROR: project_name is not text: put it in quotes.\n")
    assert not list(tmp_path.glob("output/*"))

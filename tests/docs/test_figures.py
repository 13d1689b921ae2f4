"""Figures and versions in the documentation are those that were measured and released."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.helpers.pages import DOCS, PAGES, by_name
from tools.generate import ROOT, choices

FAULTS = {
    "a worker is killed": "a worker is killed",
    "the broker, which is the database, is killed": "the broker is killed",
    "a silent network partition": "a network partition",
}


def test_figures_in_the_readme_are_on_the_linked_pages() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    facts = text.partition("\n## Why\n")[2].partition("\n## ")[0].split("\n- ")[1:]
    assert len(facts) == 4
    for fact in facts:
        pages = [
            (ROOT / link).read_text(encoding="utf-8") for link in re.findall(r"\((\S+)\)", fact)
        ]
        assert pages
        for figure in re.findall(r"[\d.]*\d", fact):
            assert re.search(rf"(?<![\d.]){re.escape(figure)}(?!\d)", "".join(pages)), figure
    lost = re.findall(
        r"^\|(?: [^|]+ \|){4} (\d+) \|", (DOCS / "faults.md").read_text(), re.MULTILINE
    )
    assert set(lost) == {"0"}


@pytest.mark.parametrize("page", sorted((DOCS / "brokers").glob("*.md")), ids=by_name)
def test_seconds_on_the_page_of_a_broker_are_as_measured(page: Path) -> None:
    rows = re.findall(r"^\| (.*?) \|", (DOCS / "faults.md").read_text(), re.MULTILINE)
    assert set(FAULTS.values()) <= set(rows)
    said = re.findall(r"^\| (.*?) \| about (\d+) s", page.read_text(), re.MULTILINE)
    # A new broker is measured by `make faults`.
    assert said or f"| {page.stem} |" not in (DOCS / "faults.md").read_text()
    for what, seconds in said:
        [fault] = [fault for start, fault in FAULTS.items() if what.startswith(start)]
        line = rf"^\| {fault} \| {page.stem} \|.*\| ([\d.]+) \|$"
        [measured] = re.findall(line, (DOCS / "faults.md").read_text(), re.MULTILINE)
        # Measurements differ a little each time.
        assert int(seconds) == pytest.approx(float(measured), rel=0.25, abs=1)


def test_each_measured_table_has_its_place_in_the_page() -> None:
    page = (DOCS / "speed.md").read_text(encoding="utf-8")
    for file in (ROOT / "benchmarks").glob("*.py"):
        for command in re.findall(r'write\("(make \w+)"', file.read_text(encoding="utf-8")):
            assert f"<!-- {command} -->\n" in page
            assert f"<!-- end of {command} -->\n" in page


@pytest.mark.parametrize("question", ["broker", "result_backend"])
def test_the_readme_lists_only_choices_of_today(question: str) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    table = text.partition(f"| `{question}` | good at")[2].partition("\n\n")[0]
    assert {*re.findall(r"^\| \[?`([\w-]+)`", table, re.MULTILINE)} <= {*choices()[question]}


def test_each_cell_of_the_comparison_has_its_source() -> None:
    text = (DOCS / "comparison.md").read_text(encoding="utf-8").partition("## Tasks")[2]
    assert f"| Questions | [{len(choices())}](" in text
    rows = re.findall(r"^\| (?!\|)[^|]+\|(.*)\|$", text, re.MULTILINE)
    cells = [cell.strip() for row in rows for cell in row.split(" | ")]
    assert len(cells) > 80
    # A dash means that the row does not apply.
    assert not [cell for cell in cells if cell != "\u2013" and not re.search(r"\]\(|\]\[", cell)]


def test_the_version_is_the_newest_in_the_changelog() -> None:
    told = re.findall(r"^## \[(\d.*?)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    own = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert told[0] == own["version"]
    locked = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    assert [p["version"] for p in locked if p["name"] == own["name"]] == [own["version"]]
    tag = ["git", "describe", "--tags", "--abbrev=0"]
    run = subprocess.run(tag, cwd=ROOT, capture_output=True, text=True, check=False)
    # The newest version may not be tagged yet.
    assert run.returncode or run.stdout.strip() in [f"v{version}" for version in told[:2]]
    named = re.findall(r"to=v([\d.]+)", "".join(page.read_text() for page in PAGES))
    assert named
    assert not set(named) - set(told)

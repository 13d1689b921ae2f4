"""Write figures into the documentation, so that no one copies them by hand."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from rich.table import Column, Table

from benchmarks.candidates import console
from tools.generate import ROOT

PAGE = ROOT / "docs" / "speed.md"
# The figures and the plots that the documentation shows.
MEASURED = ROOT / "docs" / "measured"

Rows = Sequence[Sequence[str]]


def show(rows: Rows) -> None:
    """Print a table. Its first row is the head."""
    head, *others = rows
    table = Table(head[0], *(Column(name, justify="right") for name in head[1:]))
    for row in others:
        table.add_row(*row)
    console.print(table)


def write(command: str, rows: Rows, told: str, page: Path = PAGE) -> None:
    """Replace the table of a command in a page, where two comments with its name enclose it.

    Below the table are the date and `told`, the machine and its versions.
    """
    rule = ["---", *("--:" for _ in rows[0][1:])]
    table = "\n".join(f"| {' | '.join(row)} |" for row in (rows[0], rule, *rows[1:]))
    begin, end = f"<!-- {command} -->\n", f"<!-- end of {command} -->\n"
    before, _, rest = page.read_text(encoding="utf-8").partition(begin)
    _, ended, after = rest.partition(end)
    if not ended:
        raise RuntimeError(f"{page} has no place for the table of {command}: add {begin}{end}")
    text = f"{before}{begin}{table}\n\nMeasured on {date.today()}: {told}.\n{end}{after}"
    page.write_text(text, encoding="utf-8")

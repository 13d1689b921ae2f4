"""Draw figures as SVG: a panel for each figure, a bar or a line for each project."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from benchmarks.candidates import Report, machine, number

THEMES = {
    "light": {"text": "#1f2328", "faint": "#656d76", "bar": "#0969da", "first": "#57606a"},
    "dark": {"text": "#e6edf3", "faint": "#8d96a0", "bar": "#4493f8", "first": "#9198a1"},
}
# The figures of a comparison, with their titles.
FIGURES = {
    "throughput": "tasks run per second",
    "throughput, results": "tasks with results per second",
    "throughput, database": "tasks that use PostgreSQL per second",
    "enqueue": "tasks sent per second",
    "enqueue, batch": "tasks sent per second, in a batch",
    "round trip, p50": "ms from sending to the result, median",
    "round trip, p99": "ms from sending to the result, 99th percentile",
    "delay, p50": "ms late, after a countdown of two seconds",
    "chord": "s for a chord of a tenth of the tasks",
    "CPU, sender": "ms of CPU to send a task",
    "CPU, worker": "ms of CPU a task, worker's main process",
    "CPU, pool": "ms of CPU a task, worker's pool",
    "CPU, idle": "% of a core, an idle worker",
    "memory": "MB of memory, worker and pool",
    "worker start": "s until a new worker runs a task",
    "recovery": "s until a killed worker's task runs again",
}
# The figures to draw.
PANELS = (
    "throughput",
    "throughput, database",
    "enqueue",
    "round trip, p50",
    "CPU, worker",
    "recovery",
)
COLUMNS = 2
WIDTH, LABEL, BAR = 400, 150, 180
LINE, GAP = 20, 50
PANEL = 220
# Patterns that distinguish lines without colours.
DASHES = ("none", "6 3", "2 3", "8 3 2 3")


def plot(reports: Sequence[Report], theme: str, path: Path) -> None:
    """Write a plot of the reports to path, in the colours of a theme: light or dark."""
    colours = THEMES[theme]
    panels = [figure for figure in PANELS if any(number(report, figure) for report in reports)]
    height = len(reports) * LINE + GAP
    parts = []
    for place, figure in enumerate(panels):
        x, y = place % COLUMNS * WIDTH, place // COLUMNS * height
        parts.append(f'<g transform="translate({x} {y})">{panel(reports, figure, colours)}</g>')
    bottom = -(-len(panels) // COLUMNS) * height + LINE
    parts.append(text(0, bottom - 6, machine(reports[0]), colours["faint"]))
    write(parts, bottom, path)


@dataclass
class Curve:
    """A load that grew, its values, and the figures at each, or None if it took too long."""

    title: str
    values: list[int]
    points: dict[str, list[float | None]]


def curves(measured: Sequence[Curve], theme: str, told: str, path: Path) -> None:
    """Write a panel for each curve, with a line for each project. Both scales are logarithmic."""
    colours = THEMES[theme]
    parts = []
    for place, curve in enumerate(measured):
        x, y = place % COLUMNS * WIDTH, place // COLUMNS * PANEL
        parts.append(f'<g transform="translate({x} {y})">{lines(curve, colours)}</g>')
    bottom = -(-len(measured) // COLUMNS) * PANEL + LINE
    parts.append(text(0, bottom - 6, f"Tasks per second. {told}", colours["faint"]))
    write(parts, bottom, path)


def lines(curve: Curve, colours: dict[str, str]) -> str:
    """Return the lines of one panel, each with its name at the end."""
    numbers = [point for points in curve.points.values() for point in points if point]
    low, high = math.log(min(numbers)) - 0.1, math.log(max(numbers)) + 0.1
    step = (WIDTH - LABEL) / max(1, len(curve.values) - 1)
    height = PANEL - 70
    parts = [text(0, 16, curve.title, colours["text"], weight="bold")]
    for place, value in enumerate(curve.values):
        parts.append(text(10 + place * step, PANEL - 28, f"{value:,}", colours["faint"]))
    for (name, points), dash in zip(curve.points.items(), DASHES, strict=False):
        places = [
            (10 + place * step, 26 + height * (high - math.log(point)) / (high - low), point)
            for place, point in enumerate(points)
            if point
        ]
        way = " ".join(f"{x:.1f},{y:.1f}" for x, y, _ in places)
        stroke = f'stroke="{colours["bar"]}" stroke-width="2" stroke-dasharray="{dash}"'
        parts.append(f'<polyline points="{way}" fill="none" {stroke}/>')
        parts += [text(x, y - 5, f"{point:.0f}", colours["faint"]) for x, y, point in places]
        x, y, _ = places[-1]
        parts.append(text(x + 30, y + 4, name, colours["text"]))
    return "".join(parts)


def write(parts: Sequence[str], height: int, path: Path) -> None:
    size = f'width="{COLUMNS * WIDTH}" height="{height}" viewBox="0 0 {COLUMNS * WIDTH} {height}"'
    style = 'font-family="system-ui, sans-serif" font-size="12"'
    drawn = "\n".join(parts)
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>\n{drawn}\n</svg>\n'
    path.write_text(svg, encoding="utf-8")


def panel(reports: Sequence[Report], figure: str, colours: dict[str, str]) -> str:
    """Return the bars of one figure. The first report is the one to compare with."""
    numbers = [number(report, figure) for report in reports]
    largest = max(value for value in numbers if value)
    parts = [text(0, 16, FIGURES[figure], colours["text"], weight="bold")]
    for line, (report, value) in enumerate(zip(reports, numbers, strict=True)):
        y = 26 + line * LINE
        parts.append(text(0, y + 12, report["name"], colours["text"]))
        if value is None:
            continue
        colour = colours["bar" if line else "first"]
        length = BAR * value / largest
        parts.append(
            f'<rect x="{LABEL}" y="{y}" width="{length:.1f}" height="14" rx="2" fill="{colour}"/>'
        )
        parts.append(text(LABEL + length + 5, y + 12, shown(value), colours["faint"]))
    return "".join(parts)


def shown(value: float | None) -> str:
    """Return a figure with three digits; a dash if it was not measured."""
    if value is None:
        return "-"
    return f"{value:.3g}" if value < 1000 else f"{value:,.0f}"


def text(x: float, y: float, words: str, colour: str, weight: str = "normal") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}"'
    return f'<text {place} fill="{colour}" font-weight="{weight}">{escape(words)}</text>'

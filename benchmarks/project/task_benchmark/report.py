"""Reports of figures: save them to a file, load them, compare them in a table."""

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from statistics import median

from config import celery_app
from django.conf import settings
from kombu.utils.url import maybe_sanitize_url

from task_benchmark.measures import Figures

PACKAGES = ("celery", "kombu", "django")


class ReportError(Exception):
    """Raised for a missing file, or one that is not a report. The message has its name."""


@dataclass
class Report:
    """The figures of some rounds, with the machine and the wiring."""

    name: str
    options: dict[str, int]
    machine: dict[str, str] = field(default_factory=dict)
    wiring: dict[str, str] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    rounds: dict[str, list[float]] = field(default_factory=dict)

    def add(self, figures: Figures) -> None:
        """Add the figures of one round of one measure."""
        for name, figure in figures.items():
            self.units[name] = figure.unit
            self.rounds.setdefault(name, []).append(figure.number)

    def median(self, name: str) -> float | None:
        return median(self.rounds[name]) if name in self.rounds else None

    @classmethod
    def here(cls, name: str, options: dict[str, int]) -> "Report":
        """Return a report of this machine and of the project's wiring, without figures yet."""
        return cls(name, options, machine(), wiring())


def machine() -> dict[str, str]:
    """Return the machine and the versions that the figures depend on."""
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "CPUs": str(os.cpu_count()),
        "Python": platform.python_version(),
        **{package: version(package) for package in PACKAGES},
    }


def wiring() -> dict[str, str]:
    """Return the addresses of the broker and the results, without passwords, and the database."""
    engine = settings.DATABASES["default"]["ENGINE"].rpartition(".")[2]
    with celery_app.connection_for_write() as connection:
        broker = connection.as_uri()
    results = str(maybe_sanitize_url(celery_app.conf.result_backend or "none"))
    return {"broker": broker, "results": results, "database": engine}


def save(reports: Sequence[Report], path: Path) -> None:
    text = json.dumps([asdict(report) for report in reports], indent=2)
    path.write_text(f"{text}\n", encoding="utf-8")


def load(path: Path) -> list[Report]:
    """Load reports. Raises ReportError, in one line, for a file that is not one."""
    try:
        return [Report(**report) for report in json.loads(path.read_text(encoding="utf-8"))]
    except OSError as error:
        raise ReportError(f"{path} cannot be read: {error.strerror}.") from error
    except (TypeError, ValueError) as error:
        raise ReportError(f"{path} is not a report: name a file that --save wrote.") from error


def table(reports: Sequence[Report]) -> list[str]:
    """Return a line for each figure, with its ratio to the first report's."""
    first = reports[0]
    names = list(dict.fromkeys(name for report in reports for name in report.rounds))
    rows = [["", "", *(report.name for report in reports)]]
    for name in names:
        unit = next(report.units[name] for report in reports if name in report.units)
        cells = [_cell(report.median(name), first.median(name)) for report in reports[1:]]
        rows.append([name, unit, _cell(first.median(name), None), *cells])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(_aligned(row, widths)).rstrip() for row in rows]


def _cell(number: float | None, reference: float | None) -> str:
    if number is None:
        return "-"
    digits = 0 if abs(number) >= 100 else 1 if abs(number) >= 10 else 2
    ratio = f" {number / reference:5.2f}x" if reference else ""
    return f"{number:.{digits}f}{ratio}"


def _aligned(row: list[str], widths: list[int]) -> list[str]:
    texts = [cell.ljust(width) for cell, width in zip(row[:2], widths, strict=False)]
    return texts + [cell.rjust(width) for cell, width in zip(row[2:], widths[2:], strict=True)]


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown"

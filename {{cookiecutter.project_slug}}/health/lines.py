"""The lines of `manage.py wiring`. An app adds its own in a module called `wiring`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

# Takes the seconds that it may wait, and returns what is well. Raises an exception if it is not.
Check = Callable[[float], str]


class WiringError(Exception):
    """What is not well, and what to do where that is something else than the line's `fix`."""

    def __init__(self, what: str, fix: str = "") -> None:
        super().__init__(what)
        self.fix = fix


@dataclass(frozen=True)
class Line:
    name: str
    check: Check
    fix: str
    needs: Sequence[Check]


lines: list[Line] = []


def line(name: str, *, fix: str, needs: Sequence[Check] = ()) -> Callable[[Check], Check]:
    """Makes a check a line of its own, after those there are, left out if one it needs fails."""

    def add(check: Check) -> Check:
        lines.append(Line(name, check, fix, needs))
        return check

    return add

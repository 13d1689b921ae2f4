"""Combinations of answers: all that work, and small selections that cover them."""

import random
from collections.abc import Sequence
from functools import cache
from itertools import combinations, product

from tools.generate import Answer, choices, facts

Combination = dict[str, Answer]
CANDIDATES = 100


@cache
def every(*keys: str) -> list[Combination]:
    """Return each combination of answers to these questions that the template leaves unchanged.

    Unless `flower` is one of the keys, it is false, since not every broker has events for Flower.
    """
    offered = choices()
    fixed: Combination = {} if "flower" in keys else {"flower": False}
    rows = product(*(offered[key] for key in keys))
    answers = (fixed | dict(zip(keys, row, strict=True)) for row in rows)
    # Skip the hook, which checks free text: the texts are the defaults.
    known = ((row, facts(row)) for row in answers)
    return [row for row, project in known if not (project.refused or project.notes)]


def pairwise(rows: Sequence[Combination]) -> list[Combination]:
    """Return a few of the rows that contain each pair of answers of all rows."""
    return _covering(rows, 2)


def each_answer(rows: Sequence[Combination]) -> list[Combination]:
    """Return a few of the rows that contain each answer of all rows."""
    return _covering(rows, 1)


def _covering(rows: Sequence[Combination], size: int) -> list[Combination]:
    """Return a few of the rows that contain each group of `size` answers of all rows."""
    dice = random.Random(0)
    groups = [set(combinations(row.items(), size)) for row in rows]
    uncovered = {group: None for row in rows for group in combinations(row.items(), size)}
    chosen = []
    while uncovered:
        wanted = next(iter(uncovered))
        holding = [number for number, held in enumerate(groups) if wanted in held]
        candidates = dice.sample(holding, min(CANDIDATES, len(holding)))
        best = max(candidates, key=lambda number: len(groups[number] & uncovered.keys()))
        for group in groups[best]:
            uncovered.pop(group, None)
        chosen.append(rows[best])
    return chosen

"""Which answers go together, and few of them that stand for all."""

import random
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import combinations, product

from tools.generate import Answer, choices, refusal

Combination = dict[str, Answer]
CANDIDATES = 100


@cache
def every(*keys: str) -> list[Combination]:
    """Return every combination of answers to these questions that the template does not refuse.

    Flower needs a broker with events: unless it is among the keys, it is answered by false.
    """
    offered = choices()
    fixed: Combination = {} if "flower" in keys else {"flower": False}
    rows = product(*(offered[key] for key in keys))
    answers = (fixed | dict(zip(keys, row, strict=True)) for row in rows)
    return [combination for combination in answers if refusal(combination) is None]


def pairwise(rows: Sequence[Combination]) -> list[Combination]:
    """Return few of the rows, such that each pair of answers in any row is in one of these."""
    dice = random.Random(0)
    uncovered = {pair: None for row in rows for pair in _pairs(row)}
    chosen = []
    while uncovered:
        wanted = next(iter(uncovered))
        holding = [row for row in rows if wanted in _pairs(row)]
        candidates = dice.sample(holding, min(CANDIDATES, len(holding)))
        best = max(candidates, key=lambda row: sum(pair in uncovered for pair in _pairs(row)))
        for pair in _pairs(best):
            uncovered.pop(pair, None)
        chosen.append(best)
    return chosen


def _pairs(row: Combination) -> Iterable[tuple[tuple[str, Answer], ...]]:
    return combinations(row.items(), 2)

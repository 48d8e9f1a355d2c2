"""Turns published shares into conditional probabilities whose mean is still the share."""

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from include.sales.draws import Floats
from include.sales.tables import Share, applicable

ROUNDS: Final = 60
"""Fixed, and not until it is near enough, so that every machine gets the same."""


def fit(tilt: Floats, shares: Floats, weights: Floats) -> Floats:
    """Probabilities of options under conditions, which are together the given shares.

    `tilt` (conditions, options), above 0, says how much more an option is chosen under a
    condition, and `weights`, of the same shape or (conditions, 1), what a choice of it there
    counts. The result P has rows that sum to 1, and the column sums of `P * weights` are as
    `shares`. It is iterative proportional fitting (Deming and Stephan 1940) of `tilt`.
    """
    target = shares / shares.sum()
    scale = target.copy()
    for _ in range(ROUNDS):
        chosen = tilt * scale
        chosen /= chosen.sum(axis=1, keepdims=True)
        found = (chosen * weights).sum(axis=0)
        scale *= np.divide(target * found.sum(), found, out=np.ones_like(found), where=found > 0)
        scale /= scale.sum()
    chosen = tilt * scale
    probabilities: Floats = chosen / chosen.sum(axis=1, keepdims=True)
    return probabilities


def shares_table(
    rows: Iterable[Share], conditions: Sequence[tuple[str, ...]], options: Sequence[str | int]
) -> Floats:
    """Shares that sum to 1, (conditions, options); without lines the first option has all."""
    lines = list(rows)
    table = np.zeros((len(conditions), len(options)))
    for position, condition in enumerate(conditions):
        found = applicable(lines, condition)
        for row in found:
            table[position, options.index(row.option)] = row.share
        if not found:
            table[position, 0] = 1.0
    table /= table.sum(axis=1, keepdims=True)
    return table

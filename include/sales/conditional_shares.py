"""Turn published shares into conditional probabilities whose weighted mean is still the share."""

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from include.sales.random_numbers import Floats
from include.sales.tables import Share, applicable

ROUNDS: Final = 60
"""Number of iterations. It is fixed, not up to a tolerance, so every machine gets equal results."""


def fit(tilt: Floats, shares: Floats, weights: Floats) -> Floats:
    """Return the probabilities (conditions, options) whose weighted totals are the given shares.

    `tilt` (conditions, options), above 0, is the factor of an option's probability under a
    condition. `weights`, of the same shape or (conditions, 1), is how much one choice of the option
    under the condition counts. The result P has rows that sum to 1, and the column sums of
    `P * weights` are proportional to `shares`. The method is iterative proportional fitting of
    `tilt` (Deming and Stephan 1940).
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
    """Return shares (conditions, options) whose rows sum to 1.

    Under a condition without lines, the first option has the whole share.
    """
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

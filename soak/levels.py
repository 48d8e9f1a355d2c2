"""Whether something that was sampled over a long run grows without end."""

from collections.abc import Sequence
from statistics import fmean
from typing import Final, NamedTuple

import numpy as np

TOLERANCE: Final = 0.05
"""By how much of it the last quarter's mean may exceed that of the quarter before."""

FEWEST: Final = 40
"""Samples below which nothing is judged: most of so short a run is warm-up."""


class Level(NamedTuple):
    """What became of one thing; all but `per_hour` in its unit."""

    start: float
    """First sample."""
    warm: float
    """Mean of the third quarter: after warm-up, which the first half is for."""
    end: float
    """Mean of the last quarter."""
    per_hour: float
    """Slope of the line that fits the second half best, in units an hour."""
    levels_off: bool | None
    """None where there are too few samples to tell."""


def level(hours: Sequence[float], values: Sequence[float], floor: float) -> Level:
    """Judge a series by its second half: its two quarters may differ by `TOLERANCE`.

    Quarters and no single samples, since what is cleaned up now and then goes up and down. `floor`,
    in the values' unit, is what they may differ by in any case: for what is small, a few more are
    no growth. Less at the end than before is well.
    """
    half, last = len(values) // 2, len(values) * 3 // 4
    warm, end = fmean(values[half:last] or values), fmean(values[last:])
    return Level(
        start=values[0],
        warm=warm,
        end=end,
        per_hour=slope(hours[half:], values[half:]),
        levels_off=end - warm <= max(TOLERANCE * warm, floor) if len(values) >= FEWEST else None,
    )


def slope(hours: Sequence[float], values: Sequence[float]) -> float:
    """Units an hour of the line that fits the samples best; 0 for a single one."""
    if len(values) < 2:
        return 0.0
    return float(np.polyfit(np.array(hours) - hours[0], np.array(values), 1)[0])

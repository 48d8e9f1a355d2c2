"""Decide whether a series that was sampled over a long run levels off or keeps growing."""

from collections.abc import Sequence
from statistics import fmean
from typing import Final, NamedTuple

import numpy as np

TOLERANCE: Final = 0.05
"""Share by which the mean of the last quarter may exceed the mean of the third quarter."""

FEWEST: Final = 40
"""Least samples for a decision: a shorter run is mostly warm-up."""


class Level(NamedTuple):
    """Level of a series over a run; all values but `per_hour` are in the series' unit."""

    start: float
    """First sample."""
    warm: float
    """Mean of the third quarter; the first half of the run is warm-up."""
    end: float
    """Mean of the last quarter."""
    per_hour: float
    """Slope of the line that fits the second half best, in units per hour."""
    levels_off: bool | None
    """None if there are too few samples for a decision."""


def level(hours: Sequence[float], values: Sequence[float], floor: float) -> Level:
    """Compare the last two quarters of a series: it levels off if the last is not much higher.

    The last quarter's mean may exceed that of the quarter before by `TOLERANCE`, or by `floor` in
    the values' unit: a few units more are no growth of a small series. Means are compared, because
    a series with a periodic clean-up goes up and down. A decrease always counts as levelling off.
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


def slope(times: Sequence[float], values: Sequence[float]) -> float:
    """Return the slope of the best-fitting line, in units per unit of time; 0 for one sample."""
    if len(values) < 2:
        return 0.0
    return float(np.polyfit(np.array(times) - times[0], np.array(values), 1)[0])

"""Geometry of the report's charts, in the units of an SVG; the templates draw it."""

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

WIDTH: Final = 680.0
HEIGHT: Final = 190.0
LEFT: Final = 70.0
"""Width of the labels of the value axis."""
BOTTOM: Final = 22.0
"""Height of the labels of the hours."""
TOP: Final = 8.0

_STEPS: Final = (1.0, 2.0, 5.0, 10.0)
_TICKS: Final = 5
"""Most steps of an axis."""


class Tick(NamedTuple):
    """A line of the value axis."""

    value: float
    y: float


class Bar(NamedTuple):
    """A column of the chart."""

    x: float
    y: float
    width: float
    height: float


class Chart(NamedTuple):
    """A chart of columns, with lines that have a point at each column's centre.

    Attributes:
        ticks: from zero upwards.
        bars: one for each value.
        lines: the points of each line, as SVG's `points` has them.
    """

    ticks: list[Tick]
    bars: list[Bar]
    lines: list[str]


def nice_step(most: float) -> float:
    """Return the least step of 1, 2 or 5 times a power of ten that divides 0 to `most` well."""
    if most <= 0:
        return 1.0
    least = most / _TICKS
    power = 10.0 ** math.floor(math.log10(least))
    return next(step for factor in _STEPS if (step := factor * power) >= least * (1 - 1e-9))


def columns(values: Sequence[float], lines: Sequence[Sequence[float]]) -> Chart:
    """Return a chart of columns; each line has as many values as there are columns."""
    most = max((value for row in (values, *lines) for value in row), default=0.0)
    step = nice_step(most)
    steps = max(1, math.ceil(most / step - 1e-9))
    height = HEIGHT - TOP - BOTTOM
    each = (WIDTH - LEFT) / max(1, len(values))

    def y(value: float) -> float:
        return round(TOP + height * (1 - max(0.0, value) / (steps * step)), 1)

    def x(place: float) -> float:
        return round(LEFT + each * place, 1)

    return Chart(
        ticks=[Tick(n * step, y(n * step)) for n in range(steps + 1)],
        bars=[
            Bar(x(place + 0.15), y(value), round(each * 0.7, 1), round(y(0) - y(value), 1))
            for place, value in enumerate(values)
        ],
        lines=[
            " ".join(f"{x(place + 0.5)},{y(value)}" for place, value in enumerate(line))
            for line in lines
        ],
    )

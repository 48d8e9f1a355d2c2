"""When the next sale is, by the clock: at gaps that are a pure function of (seed, n), or at the
arrivals on the demand curve.

Both come from random streams of their own, so that the pace never changes what is sold.
"""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Protocol

from include.sales import wall
from include.sales.arrivals import arrivals
from include.sales.demand import Demand
from include.sales.draws import BLOCK, Floats, Stream, check_seed, uniforms
from include.sales.faults import Faults
from include.sales.local_time import moment_of


def gap_seconds(seed: int, n: int, minimum: float, maximum: float) -> float:
    """Seconds before event n, uniform in [minimum, maximum].

    Raises `ValueError` unless 0 < minimum ≤ maximum, both finite.
    """
    check_gaps(minimum, maximum)
    block, row = divmod(n, BLOCK)
    return minimum + (maximum - minimum) * float(_gaps(seed, block)[row])


def check_gaps(minimum: float, maximum: float) -> None:
    """Refuse with `ValueError` seconds between sales that are no range above 0."""
    if not 0 < minimum <= maximum < float("inf"):
        raise ValueError(
            "the seconds between sales need 0 < minimum ≤ maximum, "
            f"and they are {minimum:g} and {maximum:g}"
        )


class Pace(Protocol):
    """Says when the sales are due; asked for them in order, for each as often as one likes."""

    def left(self, n: int) -> float:
        """Seconds until sale n is due; less than 0 if it is late."""

    def moment(self, n: int) -> datetime:
        """`ts` of sale n, once it is due."""


class Cadence:
    """A sale after each gap, without drift.

    A sale's deadline is the one before it plus its gap, however long sending took. After a silence
    longer than one maximum gap (a lost broker, a suspended machine) the deadlines start anew from
    now: what a store did not sell meanwhile it does not sell in a burst.
    """

    def __init__(
        self,
        seed: int,
        minimum: float,
        maximum: float,
        faults: Faults | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start now, by `clock`, in seconds; raises as `gap_seconds` does.

        `faults` shortens and lengthens gaps; a silence of theirs is due like any gap.
        """
        check_seed(seed)
        check_gaps(minimum, maximum)
        self._seed = seed
        self._minimum = minimum
        self._maximum = maximum
        self._faults = faults
        self._clock = clock
        self._next = -1
        self._deadline = clock()

    def left(self, n: int) -> float:
        """Seconds until sale n is due; less than 0 if it is late."""
        now = self._clock()
        if n != self._next:
            self._next = n
            gap = gap_seconds(self._seed, n, self._minimum, self._maximum)
            self._deadline += self._faults.gap(n, gap) if self._faults else gap
            if now - self._deadline > self._maximum:
                self._deadline = now
        return self._deadline - now

    def moment(self, n: int) -> datetime:  # noqa: ARG002 - whichever it is, it is now
        """Now."""
        return wall.now()


_SLICE = timedelta(minutes=5)


class Curve:
    """The sales of the demand curve from a moment on, each at its arrival.

    Sale n is arrival n: one that could not be sent in time keeps its moment and is sent late.
    """

    def __init__(self, demand: Demand, seed: int, start: datetime, scale: float) -> None:
        """Take the curve, and `scale` as `arrivals` does; raises as it does."""
        if scale == 0:
            raise ValueError("on a scale of 0 nothing is ever sold; the scale is sales a second")
        self._demand, self._seed, self._scale = demand, seed, scale
        self._end = start
        self._first = 0
        self._moments: list[int] = []
        self._fill()

    def left(self, n: int) -> float:
        """Seconds until sale n is due; less than 0 if it is late."""
        return self._at(n) / 1000 - wall.seconds()

    def moment(self, n: int) -> datetime:
        """Its arrival."""
        return moment_of(self._at(n))

    def _at(self, n: int) -> int:
        """Epoch milliseconds of arrival n ≥ the last one asked for."""
        while n >= self._first + len(self._moments):
            self._fill()
        return self._moments[n - self._first]

    def _fill(self) -> None:
        self._first += len(self._moments)
        begin, self._end = self._end, self._end + _SLICE
        self._moments = arrivals(self._demand, self._seed, begin, self._end, self._scale).tolist()


@lru_cache(maxsize=2)
def _gaps(seed: int, block: int) -> Floats:
    gaps: Floats = uniforms(seed, Stream.PACE, block)[0]
    gaps.setflags(write=False)  # shared by every caller
    return gaps

"""The moments of the sales in live mode: after random gaps, or at the arrivals of the demand curve.

The gap before sale n is a pure function of (seed, n). Gaps and arrivals have random streams of
their own, so the pace never changes the random numbers of the sales.
"""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Protocol

from include.sales import steady_clock
from include.sales.arrivals import arrivals
from include.sales.demand import Demand
from include.sales.faults import Faults
from include.sales.limits import check_seed
from include.sales.local_time import moment_of
from include.sales.random_numbers import BLOCK, Floats, Stream, uniforms


def gap_seconds(seed: int, n: int, minimum: float, maximum: float) -> float:
    """Return the seconds before sale n, uniform in [minimum, maximum].

    Raises `ValueError` unless 0 < minimum ≤ maximum, both finite.
    """
    check_gaps(minimum, maximum)
    block, row = divmod(n, BLOCK)
    return minimum + (maximum - minimum) * float(_gaps(seed, block)[row])


def check_gaps(minimum: float, maximum: float) -> None:
    """Raise `ValueError` unless 0 < minimum ≤ maximum, both finite."""
    if not 0 < minimum <= maximum < float("inf"):
        raise ValueError(
            "the seconds between sales must satisfy 0 < minimum ≤ maximum, "
            f"but minimum is {minimum:g} and maximum {maximum:g}"
        )


class Pace(Protocol):
    """The moments at which sales are due.

    Callers must ask for the sales in order; they may ask for the same sale several times.
    """

    def left(self, n: int) -> float:
        """Return the seconds until sale n is due; less than 0 if it is late."""

    def moment(self, n: int) -> datetime:
        """Return the `ts` of sale n, once it is due."""


class Cadence:
    """A sale after each random gap, without drift.

    A sale is due at the due time of the sale before it plus its gap; the time that sending took
    does not count. If a sale is late by more than one maximum gap (a lost broker, a suspended
    machine), it is due now, and the following gaps count from now: the sales that were missed are
    not made up for in a burst.
    """

    def __init__(
        self,
        seed: int,
        minimum: float,
        maximum: float,
        faults: Faults | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start now, by `clock`, in seconds; raises the errors of `check_seed` and `check_gaps`.

        `faults` shortens and lengthens gaps; an injected silence is part of the gap, not a delay.
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
        """Return the seconds until sale n is due; less than 0 if it is late."""
        now = self._clock()
        if n != self._next:
            self._next = n
            gap = gap_seconds(self._seed, n, self._minimum, self._maximum)
            self._deadline += self._faults.gap(n, gap) if self._faults else gap
            if now - self._deadline > self._maximum:
                self._deadline = now
        return self._deadline - now

    def moment(self, n: int) -> datetime:  # noqa: ARG002 - whichever it is, it is now
        return steady_clock.now()


_SLICE = timedelta(minutes=5)


class Curve:
    """Sales at the arrivals of the demand curve, from a moment on.

    Sale n is at arrival n. A sale that could not be sent in time keeps its moment and is sent late.
    """

    def __init__(self, demand: Demand, seed: int, start: datetime, scale: float) -> None:
        """Take the curve and the arguments of `arrivals`; raises its errors, also for scale 0."""
        if scale == 0:
            raise ValueError(
                "the scale must be above 0 sales per second: at 0, nothing is ever sold"
            )
        self._demand, self._seed, self._scale = demand, seed, scale
        self._end = start
        self._first = 0
        self._moments: list[int] = []
        self._fill()

    def left(self, n: int) -> float:
        """Return the seconds until sale n is due; less than 0 if it is late."""
        return self._at(n) / 1000 - steady_clock.seconds()

    def moment(self, n: int) -> datetime:
        return moment_of(self._at(n))

    def _at(self, n: int) -> int:
        """Return the epoch milliseconds of arrival n; n must not decrease from call to call."""
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

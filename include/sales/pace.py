"""When the next sale is: gaps that are a pure function of (seed, n), and the clock that keeps them.

The gaps come from a random stream of their own, so that the pace never changes what is sold.
"""

import threading
import time
from collections.abc import Callable
from functools import lru_cache

from include.sales.draws import BLOCK, Floats, Stream, check_seed, uniforms


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


class Pacer:
    """Waits for each sale's moment, without drift.

    A sale's deadline is the one before it plus its gap, however long sending took. After a silence
    longer than one maximum gap (a lost broker, a suspended machine) the deadlines start anew from
    now: what a store did not sell meanwhile it does not sell in a burst.
    """

    def __init__(
        self,
        seed: int,
        minimum: float,
        maximum: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start now, by `clock`, in seconds; raises as `gap_seconds` does."""
        check_seed(seed)
        check_gaps(minimum, maximum)
        self._seed = seed
        self._minimum = minimum
        self._maximum = maximum
        self._clock = clock
        self._deadline = clock()

    def wait(self, n: int, stop: threading.Event) -> bool:
        """Wait until event n is due, for events in order; False at once when `stop` is set."""
        self._deadline += gap_seconds(self._seed, n, self._minimum, self._maximum)
        now = self._clock()
        if now - self._deadline > self._maximum:
            self._deadline = now
        while (left := self._deadline - self._clock()) > 0:
            if stop.wait(left):
                return False
        return not stop.is_set()


@lru_cache(maxsize=2)
def _gaps(seed: int, block: int) -> Floats:
    gaps: Floats = uniforms(seed, Stream.PACE, block)[0]
    gaps.setflags(write=False)  # shared by every caller
    return gaps

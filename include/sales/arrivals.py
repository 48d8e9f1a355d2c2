"""When sales happen on the demand curve: a Poisson process that is a pure function of its seed.

Time is drawn in minutes, each on its own: how many arrive is Poisson, when they do is uniform. So
a stretch of time has the same arrivals however it is sliced, and the process is exact at any rate,
far below one a second too.
"""

from datetime import datetime
from functools import lru_cache
from typing import Final

import numpy as np

from include.sales.demand import Demand
from include.sales.draws import Floats, Ints, Stream, check_seed, words
from include.sales.local_time import HOUR_MS, UTC_OFFSET_HOURS, epoch_ms

MINUTE_MS: Final = 60_000
_MINUTES_PER_HOUR: Final = HOUR_MS // MINUTE_MS

MAX_PER_MINUTE: Final = 60_000_000
"""A million a second: more would only fill memory."""


def arrivals(demand: Demand, seed: int, start: datetime, end: datetime, scale: float = 1.0) -> Ints:
    """Moments of the sales in [start, end), epoch milliseconds, in order.

    `scale` is the mean number of sales a second over the curve's reference year. Memory is eight
    bytes an arrival: take long stretches in slices. Raises `ValueError` for a moment without time
    zone, an end before the start, a negative scale and a rate above `MAX_PER_MINUTE`.
    """
    check_seed(seed)
    begin, stop = epoch_ms(start), epoch_ms(end)
    if stop < begin:
        raise ValueError(f"the end, {end}, is before the start, {start}")
    if not 0 <= scale < float("inf"):
        raise ValueError(f"the scale is a number of sales a second from 0, and it is {scale:g}")
    first, last = begin // MINUTE_MS, -(-stop // MINUTE_MS)
    drawn = [np.empty(0, dtype=np.int64)]
    for hour in range(first // _MINUTES_PER_HOUR, -(-last // _MINUTES_PER_HOUR)):
        counts = _counts(seed, hour, _mean(demand, hour, scale))
        zero = hour * _MINUTES_PER_HOUR
        within = slice(max(first - zero, 0), min(last - zero, _MINUTES_PER_HOUR))
        for position in np.flatnonzero(counts[within]) + within.start:
            drawn.append(_minute(seed, zero + int(position), int(counts[position])))
    moments = np.concatenate(drawn)
    inside: Ints = moments[slice(*np.searchsorted(moments, [begin, stop]))]
    return inside


def _mean(demand: Demand, hour: int, scale: float) -> float:
    """Mean number of arrivals in a minute of an hour since 1970 (UTC)."""
    mean = float(demand.at(hour + UTC_OFFSET_HOURS).sum()) * scale * (MINUTE_MS / 1000)
    if mean > MAX_PER_MINUTE:
        raise ValueError(f"{mean:.3g} sales a minute are more than {MAX_PER_MINUTE}; lower scale")
    return mean


def _minute(seed: int, minute: int, count: int) -> Ints:
    """The arrivals of a minute since 1970, integers only, so that every machine has the same."""
    # The high half of a word, times the minute, over 2³².
    moments = words(seed, Stream.ARRIVAL_TIME, minute, count) >> np.uint64(32)
    moments = (moments * np.uint64(MINUTE_MS)) >> np.uint64(32)
    moments.sort()
    return moments.astype(np.int64) + minute * MINUTE_MS


@lru_cache(maxsize=8)
def _counts(seed: int, hour: int, mean: float) -> Ints:
    """Arrivals in each minute of an hour since 1970, of which a minute has `mean`."""
    first, cumulative = _poisson(mean)
    uniform = (
        words(seed, Stream.ARRIVAL_COUNT, hour, _MINUTES_PER_HOUR) >> np.uint64(11)
    ) * 2.0**-53
    counts: Ints = first + np.searchsorted(cumulative, uniform, side="right")
    counts.setflags(write=False)  # shared by every caller
    return counts


@lru_cache(maxsize=8)
def _poisson(mean: float) -> tuple[int, Floats]:
    """Poisson's distribution function: its first count and the cumulative probabilities from it.

    From the ratios of neighbours, `p(k+1) = p(k) · mean / (k+1)`, out from the mode; more than ten
    standard deviations from it the probability is below what a double can show.
    """
    mode = int(mean)
    reach = int(10 * mean**0.5) + 40
    first = max(0, mode - reach)
    down = np.cumprod(np.arange(mode, first, -1) / mean) if mode else np.empty(0)
    up = np.cumprod(mean / np.arange(mode + 1, mode + reach + 1))
    cumulative = np.cumsum(np.concatenate([down[::-1], [1.0], up]))
    cumulative /= cumulative[-1]
    cumulative.setflags(write=False)  # shared by every caller
    return first, cumulative

"""Draw when sales happen on the demand curve: a Poisson process, a pure function of its seed.

Each minute is drawn independently: the number of arrivals is Poisson, their moments are uniform. So
an interval has the same arrivals in whatever slices it is read, and the process is exact at any
rate, also far below one sale per second.
"""

from datetime import datetime
from functools import lru_cache
from typing import Final

import numpy as np

from include.sales.demand import Demand
from include.sales.limits import check_seed
from include.sales.local_time import HOUR_MS, UTC_OFFSET_HOURS, epoch_ms
from include.sales.random_numbers import Floats, Ints, Stream, words

MINUTE_MS: Final = 60_000
_MINUTES_PER_HOUR: Final = HOUR_MS // MINUTE_MS

MAX_PER_MINUTE: Final = 60_000_000
"""Greatest mean of arrivals per minute: a million a second. More would only fill the memory."""


def arrivals(demand: Demand, seed: int, start: datetime, end: datetime, scale: float = 1.0) -> Ints:
    """Return the moments of the sales in [start, end), in epoch milliseconds and in order.

    `scale` is the mean number of sales per second over the curve's reference year. An arrival takes
    eight bytes of memory: draw long intervals in slices. Raises `ValueError` for a moment without
    time zone, an end before the start, a negative or infinite scale, and a rate above
    `MAX_PER_MINUTE`.
    """
    check_seed(seed)
    begin, stop = epoch_ms(start), epoch_ms(end)
    if stop < begin:
        raise ValueError(f"the end ({end}) must not be before the start ({start})")
    if not 0 <= scale < float("inf"):
        raise ValueError(f"the scale must be 0 or more sales per second, not {scale:g}")
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
    """Return the mean number of arrivals per minute in an hour, counted since 1970 (UTC)."""
    mean = float(demand.at(hour + UTC_OFFSET_HOURS).sum()) * scale * (MINUTE_MS / 1000)
    if mean > MAX_PER_MINUTE:
        raise ValueError(
            f"the rate must be at most {MAX_PER_MINUTE} sales per minute, not {mean:.3g}: "
            "lower scale"
        )
    return mean


def _minute(seed: int, minute: int, count: int) -> Ints:
    """Return the arrivals of a minute, counted since 1970.

    Only integers are used, so every machine draws the same ones.
    """
    # Milliseconds in the minute: (high half of the word) · MINUTE_MS / 2³².
    moments = words(seed, Stream.ARRIVAL_TIME, minute, count) >> np.uint64(32)
    moments = (moments * np.uint64(MINUTE_MS)) >> np.uint64(32)
    moments.sort()
    return moments.astype(np.int64) + minute * MINUTE_MS


@lru_cache(maxsize=8)
def _counts(seed: int, hour: int, mean: float) -> Ints:
    """Return the number of arrivals in each minute of an hour; `mean` is that of one minute."""
    first, cumulative = _poisson(mean)
    uniform = (
        words(seed, Stream.ARRIVAL_COUNT, hour, _MINUTES_PER_HOUR) >> np.uint64(11)
    ) * 2.0**-53
    counts: Ints = first + np.searchsorted(cumulative, uniform, side="right")
    counts.setflags(write=False)  # shared by every caller
    return counts


@lru_cache(maxsize=8)
def _poisson(mean: float) -> tuple[int, Floats]:
    """Return a Poisson distribution: its first count, and cumulative probabilities from there on.

    The probabilities come from the ratio `p(k+1) = p(k) · mean / (k+1)`, outwards from the mode.
    More than ten standard deviations from the mode, a probability is too small for a double.
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

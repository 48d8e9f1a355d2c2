"""Random numbers that are a function of where they are used, so that the order never matters.

Philox is counter-based: its key is (seed, stream) and its counter the block of events, so any
block can be drawn on its own and no generator is shared. Only its raw words are used: NumPy
promises those never to change, and `Generator`'s distributions it does not.
"""

from collections.abc import Sequence
from enum import IntEnum
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]

BLOCK: Final = 4096
"""Events drawn together; part of what every seed means, as is the order of a block's rows."""

MAX_SEED: Final = 2**63 - 1
"""The largest integer that every reader of the events has, Druid's long among them."""

_STEPS: Final = 2.0**32
"""A uniform is a multiple of 1/_STEPS, so that `Choice` can add a whole number to it exactly."""


class Stream(IntEnum):
    """Independent uses of a seed."""

    CONTENT = 0
    PACE = 1
    ARRIVAL_COUNT = 2
    ARRIVAL_TIME = 3
    FAULTS = 4


def check_seed(seed: int) -> None:
    """Refuse a seed that is not in 0 … 2⁶³−1 with `ValueError`."""
    if not 0 <= seed <= MAX_SEED:
        raise ValueError(f"the seed must be between 0 and {MAX_SEED}, and it is {seed}")


def words(seed: int, stream: Stream, block: int, count: int) -> Words:
    """Draw 64-bit words of a block; the first ones do not depend on how many follow."""
    check_seed(seed)
    # The block goes in the counter's second word: the first counts the draws within the block.
    bits = np.random.Philox(
        counter=np.array([0, block, 0, 0], dtype=np.uint64),
        key=np.array([seed, stream], dtype=np.uint64),
    )
    drawn: Words = bits.random_raw(count)
    return drawn


def uniforms(seed: int, stream: Stream, block: int, rows: int = 1) -> Floats:
    """Draw `rows` uniforms in [0, 1) for each event of a block: an array (rows, BLOCK).

    They are multiples of 2⁻³². A row does not depend on how many follow it.
    """
    drawn = words(seed, stream, block, rows * BLOCK).reshape(rows, BLOCK)
    return (drawn >> np.uint64(32)).astype(np.float64) * (1 / _STEPS)


class Choice:
    """Draws one of some options, weighted; the weights depend on a condition."""

    def __init__(self, weights: Sequence[Sequence[float]] | Floats) -> None:
        """Take the weights: a row a condition, a column an option, no row all zero."""
        totals = np.cumsum(np.asarray(weights, dtype=np.float64), axis=1)
        rows, self._width = totals.shape
        # One ascending line of all conditions: that of number c from c until c + 1.
        within = totals / totals[:, -1:]
        self._line: Floats = (np.arange(rows)[:, np.newaxis] + within).ravel()

    def pick(self, uniform: Floats, condition: Ints | None = None) -> Ints:
        """Pick an option's index for each uniform; `condition` has each one's row."""
        if condition is None:
            return np.searchsorted(self._line, uniform, side="right").astype(np.int64)
        # Only the conditions that are there: a short line stays in the processor's cache.
        first, last = int(condition.min()), int(condition.max())
        line = self._line[first * self._width : (last + 1) * self._width]
        place = np.searchsorted(line, condition + uniform, side="right")
        option: Ints = place - (condition - first) * self._width
        return option

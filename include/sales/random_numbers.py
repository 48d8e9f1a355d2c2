"""Random numbers that are a function of (seed, stream, block), so the order of draws is irrelevant.

Philox is a counter-based generator: its key is (seed, stream) and its counter is the block. So any
block can be drawn on its own, and no generator is shared. Only Philox's raw words are used: NumPy
guarantees that they never change, but not that the distributions of `Generator` do not.
"""

from collections.abc import Sequence
from enum import IntEnum
from typing import Final

import numpy as np
import numpy.typing as npt

from include.sales.limits import check_seed

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]

BLOCK: Final = 4096
"""Number of sales drawn together. A change of it, or of the order of a block's rows, would change
the sales of every seed."""

_STEPS: Final = 2.0**32
"""Uniforms are multiples of 1/_STEPS, so that `Choice` can add a whole number to one exactly."""


class Stream(IntEnum):
    """Independent random streams of a seed."""

    CONTENT = 0
    PACE = 1
    ARRIVAL_COUNT = 2
    ARRIVAL_TIME = 3
    FAULTS = 4
    INCIDENTS = 5
    CHOSEN_AGAIN = 6


def words(seed: int, stream: Stream, block: int, count: int, number: int = 0) -> Words:
    """Draw `count` 64-bit words of a block; each word is the same for every `count`.

    Each `number` has other words.
    """
    check_seed(seed)
    # The block is the counter's second word: the first word counts the draws within the block.
    bits = np.random.Philox(
        counter=np.array([0, block, number, 0], dtype=np.uint64),
        key=np.array([seed, stream], dtype=np.uint64),
    )
    drawn: Words = bits.random_raw(count)
    return drawn


def uniforms(seed: int, stream: Stream, block: int, rows: int = 1, number: int = 0) -> Floats:
    """Draw `rows` uniforms in [0, 1) for each sale of a block: an array (rows, BLOCK).

    They are multiples of 2⁻³². A row's values do not depend on the number of rows. Each
    `number` has other values.
    """
    drawn = words(seed, stream, block, rows * BLOCK, number).reshape(rows, BLOCK)
    return (drawn >> np.uint64(32)).astype(np.float64) * (1 / _STEPS)


class Choice:
    """A weighted choice among options; the weights depend on a condition."""

    def __init__(self, weights: Sequence[Sequence[float]] | Floats) -> None:
        """Take the weights (conditions, options); each row must have a weight above 0."""
        totals = np.cumsum(np.asarray(weights, dtype=np.float64), axis=1)
        rows, self._width = totals.shape
        # One ascending array for all conditions: condition c has its options from c to c + 1.
        within = totals / totals[:, -1:]
        self._line: Floats = (np.arange(rows)[:, np.newaxis] + within).ravel()

    def pick(self, uniform: Floats, condition: Ints | None = None) -> Ints:
        """Return the index of an option for each uniform; `condition` is the row of its weights."""
        if condition is None:
            return np.searchsorted(self._line, uniform, side="right").astype(np.int64)
        # Search only the range of these conditions: a short array stays in the processor's cache.
        first, last = int(condition.min()), int(condition.max())
        line = self._line[first * self._width : (last + 1) * self._width]
        place = np.searchsorted(line, condition + uniform, side="right")
        option: Ints = place - (condition - first) * self._width
        return option

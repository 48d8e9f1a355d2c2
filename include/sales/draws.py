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

BLOCK: Final = 4096
"""Events drawn together; part of what every seed means, as is the order of a block's rows."""

MAX_SEED: Final = 2**63 - 1
"""The largest integer that every reader of the events has, Druid's long among them."""


class Stream(IntEnum):
    """Independent uses of a seed."""

    CONTENT = 0
    PACE = 1


def check_seed(seed: int) -> None:
    """Refuse a seed that is not in 0 … 2⁶³−1 with `ValueError`."""
    if not 0 <= seed <= MAX_SEED:
        raise ValueError(f"the seed must be between 0 and {MAX_SEED}, and it is {seed}")


def uniforms(seed: int, stream: Stream, block: int, rows: int = 1) -> Floats:
    """Draw `rows` uniforms in [0, 1) for each event of a block: an array (rows, BLOCK).

    A row does not depend on how many follow it.
    """
    check_seed(seed)
    # The block goes in the counter's second word: the first counts the draws within the block.
    bits = np.random.Philox(
        counter=np.array([0, block, 0, 0], dtype=np.uint64),
        key=np.array([seed, stream], dtype=np.uint64),
    )
    words = bits.random_raw(rows * BLOCK).reshape(rows, BLOCK)
    return (words >> np.uint64(11)).astype(np.float64) * 2.0**-53


class Choice:
    """Draws one of some options, weighted; the weights depend on a condition."""

    def __init__(self, weights: Sequence[Sequence[float]]) -> None:
        """Take the weights: a row a condition, a column an option, no row all zero."""
        totals = np.cumsum(np.asarray(weights, dtype=np.float64), axis=1)
        self._cumulative: Floats = totals / totals[:, -1:]

    def pick(self, uniform: Floats, condition: Ints | None = None) -> Ints:
        """Pick an option's index for each uniform; `condition` has each one's row."""
        if condition is None:
            picked = np.searchsorted(self._cumulative[0], uniform, side="right")
            return picked.astype(np.int64)
        passed = uniform[:, np.newaxis] >= self._cumulative[condition]
        index: Ints = passed.sum(axis=1, dtype=np.int64)
        return index

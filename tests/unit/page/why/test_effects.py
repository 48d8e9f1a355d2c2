"""Effects of a change: they sum to it exactly, and each is what its factor did."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.page.why.effects import split, whole
from include.sales.random_numbers import Floats


def chain(values: list[list[int]]) -> Floats:
    """Return sums by value, of which each is a part of the one before it or its money."""
    columns = np.array(values, dtype=float).T
    columns[1] = np.minimum(columns[1], columns[0])
    columns[2] = np.where(columns[1] > 0, columns[2], 0)
    return columns


def tables(values: int) -> st.SearchStrategy[list[list[int]]]:
    row = st.tuples(st.integers(0, 500), st.integers(0, 500), st.integers(0, 10**13)).map(list)
    return st.lists(row, min_size=values, max_size=values)


@settings(max_examples=50)
@given(st.integers(1, 6).flatmap(lambda n: st.tuples(tables(n), tables(n))))
def test_effects_of_money_sum_to_the_change_to_the_centavo(
    sides: tuple[list[list[int]], list[list[int]]],
) -> None:
    now, before = map(chain, sides)
    change = int(now[-1].sum() - before[-1].sum())
    effects = split(now, before, is_ratio=False)
    assert len(effects) == 4
    assert effects.sum() == pytest.approx(change, rel=1e-9, abs=1)
    parts = whole(effects, change)
    assert sum(parts) == change
    assert parts == pytest.approx(effects.tolist(), rel=1e-9, abs=2)


@settings(max_examples=50)
@given(st.integers(1, 6).flatmap(lambda n: st.tuples(tables(n), tables(n))))
def test_effects_of_a_ratio_sum_to_its_change(
    sides: tuple[list[list[int]], list[list[int]]],
) -> None:
    now, before = (chain(side) + np.array([[1.0], [0.0], [0.0]]) for side in sides)
    change = now[-1].sum() / now[0].sum() - before[-1].sum() / before[0].sum()
    effects = split(now, before, is_ratio=True)
    assert effects.sum() == pytest.approx(change, rel=1e-9, abs=1e-6)


BEFORE = np.array([[100.0, 300.0], [90.0, 270.0], [900.0, 8100.0]])


@pytest.mark.parametrize(
    ("now", "effects"),
    [
        # All sales doubled.
        (BEFORE * 2, [9000, 0, 0, 0]),
        # The approval of the first value fell by half, then to nothing.
        (BEFORE * [[1, 1], [0.5, 1], [0.5, 1]], [0, 0, -450, 0]),
        (BEFORE * [[1, 1], [0, 1], [0, 1]], [0, 0, -900, 0]),
        # Prices rose.
        (BEFORE * [[1], [1], [1.2]], [0, 0, 0, 1800]),
        # Sales moved from the second value to the first, which is cheaper.
        (BEFORE * [[2, 2 / 3], [2, 2 / 3], [2, 2 / 3]], [0, -1800, 0, 0]),
        # Everything stopped.
        (BEFORE * 0, [-9000, 0, 0, 0]),
    ],
)
def test_effect_belongs_to_the_factor_that_moved(now: Floats, effects: list[float]) -> None:
    assert split(now, BEFORE, is_ratio=False) == pytest.approx(effects)

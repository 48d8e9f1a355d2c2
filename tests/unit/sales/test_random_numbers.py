import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.sales.limits import MAX_SEED
from include.sales.random_numbers import BLOCK, Choice, Stream, uniforms, words

weights = st.lists(
    st.lists(st.floats(0, 1000), min_size=3, max_size=3).filter(any), min_size=1, max_size=6
)


@given(st.integers(0, MAX_SEED), st.integers(0, 2**40), st.integers(1, 5))
def test_more_draws_do_not_change_the_first_ones(seed: int, block: int, rows: int) -> None:
    few = uniforms(seed, Stream.CONTENT, block, rows)
    more = uniforms(seed, Stream.CONTENT, block, rows + 3)
    assert few.shape == (rows, BLOCK)
    assert (few == more[:rows]).all()
    assert 0 <= few.min() <= few.max() < 1


def test_streams_and_blocks_are_independent() -> None:
    drawn = [tuple(words(7, stream, block, 10).tolist()) for stream in Stream for block in range(3)]
    assert len({word for line in drawn for word in line}) == 10 * len(drawn)


@given(weights, st.data())
def test_choice_follows_its_condition_and_never_picks_weight_zero(
    table: list[list[float]], data: st.DataObject
) -> None:
    conditions = np.array(
        data.draw(st.lists(st.integers(0, len(table) - 1), min_size=1, max_size=20))
    )
    edges = st.sampled_from([0.0, 1 - 2.0**-32, 0.5])
    uniform = np.array([data.draw(edges) for _ in conditions])
    picked = Choice(table).pick(uniform, conditions)
    for option, condition in zip(picked, conditions, strict=True):
        assert 0 <= option < 3
        assert table[condition][option] > 0


def test_choice_follows_its_weights() -> None:
    table = [[1.0, 0.0, 3.0], [5.0, 5.0, 0.0]]
    conditions = np.arange(BLOCK) % 2
    picked = Choice(table).pick(uniforms(7, Stream.CONTENT, 0)[0], conditions)
    shares = [np.bincount(picked[conditions == c], minlength=3) / (BLOCK / 2) for c in (0, 1)]
    assert shares[0] == pytest.approx([0.25, 0, 0.75], abs=0.03)
    assert shares[1] == pytest.approx([0.5, 0.5, 0], abs=0.03)

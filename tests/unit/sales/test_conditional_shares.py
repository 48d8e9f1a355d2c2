import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from include.sales.conditional_shares import fit
from include.sales.random_numbers import Floats

CONDITIONS, OPTIONS = 4, 3

tables = arrays(np.float64, (CONDITIONS, OPTIONS), elements=st.floats(0.2, 5))


@given(tables, arrays(np.float64, OPTIONS, elements=st.floats(1, 50)), tables)
def test_fitted_probabilities_keep_the_published_shares_overall(
    tilt: Floats, shares: Floats, weights: Floats
) -> None:
    chosen = fit(tilt, shares, weights)
    assert chosen.sum(axis=1) == pytest.approx(np.ones(CONDITIONS))
    found = (chosen * weights).sum(axis=0)
    assert found / found.sum() == pytest.approx(shares / shares.sum(), abs=1e-3)


def test_tilt_is_the_ratio_of_odds_between_conditions() -> None:
    chosen = fit(np.array([[1.0, 4.0], [1.0, 1.0]]), np.array([50.0, 50.0]), np.ones((2, 1)))
    odds = chosen[:, 1] / chosen[:, 0]
    assert odds[0] / odds[1] == pytest.approx(4)


def test_option_without_share_is_never_chosen() -> None:
    chosen = fit(np.ones((2, 2)), np.array([100.0, 0.0]), np.ones((2, 1)))
    assert chosen.tolist() == [[1, 0], [1, 0]]


def test_conditions_of_weight_zero_do_not_matter() -> None:
    chosen = fit(np.ones((2, 2)), np.array([30.0, 70.0]), np.zeros((2, 1)))
    assert chosen == pytest.approx(np.array([[0.3, 0.7]] * 2))

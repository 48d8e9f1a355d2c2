"""Choice between related findings: a payment type or its issuers."""

import numpy as np

from include.page.findings.shares import Shares, drop_explained

WINDOWS = 8


def shares(*last: tuple[int, int]) -> Shares:
    """Return the shares of a whole and its two parts.

    Each part has 900 of 1000 in every past window, and `last` in the last window.
    """
    k, n = np.array(last).T
    parts = Shares(
        np.column_stack([k, np.full((2, WINDOWS), 900)]),
        np.column_stack([n, np.full((2, WINDOWS), 1000)]),
    )
    return Shares(*(np.vstack([it.sum(axis=0), it]) for it in parts))


PARENTS = [None, 0, 0]


def test_only_the_part_is_kept_if_it_explains_the_whole() -> None:
    it = shares((700, 1000), (900, 1000))
    assert drop_explained([1, 0], PARENTS, it, low=True) == [1]


def test_only_the_whole_is_kept_if_it_is_low_without_its_part() -> None:
    it = shares((700, 1000), (840, 1000))
    assert drop_explained([1, 0], PARENTS, it, low=True) == [0]


def test_only_the_whole_is_kept_if_too_little_remains_without_its_part() -> None:
    it = shares((700, 1000), (54, 60))
    assert drop_explained([1, 0], PARENTS, it, low=True) == [0]


def test_single_finding_is_kept() -> None:
    it = shares((700, 1000), (900, 1000))
    assert drop_explained([1], PARENTS, it, low=True) == [1]
    assert drop_explained([0], PARENTS, it, low=True) == [0]


def test_numbers_have_share_band_and_past_windows() -> None:
    numbers = shares((700, 1000), (900, 1000)).numbers(1, 1e-9, 60)
    assert (numbers["k"], numbers["n"], numbers["share"]) == (700, 1000, 0.7)
    assert (numbers["base_k"], numbers["base_n"], numbers["windows"]) == (7200, 8000, WINDOWS)
    assert 0.7 < numbers["low"] < 0.9 < numbers["high"] < 1
    assert abs(numbers["usual"] - 0.9) < 0.001
    assert (numbers["p"], numbers["minutes"]) == (1e-9, 60)

"""Which of the findings that go together is told."""

import numpy as np

from include.druid.findings.shares import Shares, told_apart

WINDOWS = 8


def shares(*last: tuple[int, int]) -> Shares:
    """A whole of two parts, in each past window with 900 of 1000 each; `last` are the parts now."""
    k, n = np.array(last).T
    parts = Shares(
        np.column_stack([k, np.full((2, WINDOWS), 900)]),
        np.column_stack([n, np.full((2, WINDOWS), 1000)]),
    )
    return Shares(*(np.vstack([it.sum(axis=0), it]) for it in parts))


PARENTS = [None, 0, 0]


def test_a_part_explains_the_whole() -> None:
    it = shares((700, 1000), (900, 1000))
    assert told_apart([1, 0], PARENTS, it, low=True) == [1]


def test_a_whole_that_is_low_without_its_part_is_told_alone() -> None:
    it = shares((700, 1000), (840, 1000))
    assert told_apart([1, 0], PARENTS, it, low=True) == [0]


def test_too_small_a_rest_says_nothing() -> None:
    it = shares((700, 1000), (54, 60))
    assert told_apart([1, 0], PARENTS, it, low=True) == [0]


def test_what_was_found_alone_is_told() -> None:
    it = shares((700, 1000), (900, 1000))
    assert told_apart([1], PARENTS, it, low=True) == [1]
    assert told_apart([0], PARENTS, it, low=True) == [0]


def test_numbers_are_what_a_sentence_needs() -> None:
    numbers = shares((700, 1000), (900, 1000)).numbers(1, 1e-9, 60)
    assert (numbers["k"], numbers["n"], numbers["share"]) == (700, 1000, 0.7)
    assert (numbers["base_k"], numbers["base_n"], numbers["windows"]) == (7200, 8000, WINDOWS)
    assert 0.7 < numbers["low"] < 0.9 < numbers["high"] < 1
    assert abs(numbers["usual"] - 0.9) < 0.001
    assert (numbers["p"], numbers["minutes"]) == (1e-9, 60)

"""Estimates of usual shares, against exact results and against simulated windows."""

import math

import numpy as np
import pytest

from include.page.findings.baseline import DRIFT, Baseline, Usual, holm


def counts(*rows: list[int]) -> "np.typing.NDArray[np.int64]":
    return np.array(rows, dtype=np.int64)


def test_uniform_beta_makes_every_count_equally_likely() -> None:
    usual = Usual(1, 1)
    assert usual.below(3, 9) == pytest.approx(0.4)
    assert usual.above(3, 9) == pytest.approx(0.7)
    assert usual.share == 0.5


def test_known_share_gives_the_binomial_distribution() -> None:
    usual = Usual(0.3e9, 0.7e9)
    exact = [math.comb(50, k) * 0.3**k * 0.7 ** (50 - k) for k in range(51)]
    assert usual.below(5, 50) == pytest.approx(sum(exact[:6]), rel=1e-5)
    assert usual.above(30, 50) == pytest.approx(sum(exact[30:]), rel=1e-5)


@pytest.mark.parametrize("n", [1, 30, 5000])
def test_band_leaves_the_given_probability_outside(n: int) -> None:
    usual = Usual(3.2, 400)
    low, high = usual.band(n, 0.01)
    assert usual.below(low, n) > 0.005
    assert usual.above(high, n) > 0.005
    assert low == 0 or usual.below(low - 1, n) <= 0.005
    assert high == n or usual.above(high + 1, n) <= 0.005


def test_far_tails_are_exact_at_any_size() -> None:
    a, b, n = 4.2e4, 7.1e6, 2000
    none = math.prod((b + i) / (a + b + i) for i in range(n))
    assert none < 1e-5
    assert Usual(a, b).below(0, n) == Usual(b, a).above(n, n) == pytest.approx(none, rel=1e-6)


def test_windows_that_vary_by_chance_have_the_least_drift() -> None:
    n = np.full((1, 200), 10_000)
    k = np.random.default_rng(1).binomial(n, 0.2)
    usual = Baseline.of(k, n).usual(0)
    spread = math.sqrt(0.2 * 0.8 / (usual.a + usual.b + 1))
    assert usual.share == pytest.approx(0.2, rel=0.01)
    assert spread == pytest.approx(0.2 * DRIFT, rel=0.05)


def test_windows_that_vary_more_widen_the_distribution() -> None:
    n = np.full((1, 400), 10_000)
    share = np.random.default_rng(1).normal(0.2, 0.06, (1, 400))
    k = np.random.default_rng(2).binomial(n, share)
    usual = Baseline.of(k, n).usual(0)
    assert math.sqrt(0.2 * 0.8 / (usual.a + usual.b + 1)) == pytest.approx(0.06, rel=0.1)


@pytest.mark.parametrize(("windows", "times"), [(1, 3), (2, 2), (8, 1.25)])
def test_fewer_windows_widen_the_assumed_drift(windows: int, times: float) -> None:
    k, n = counts([2_000_000] * windows), counts([100_000_000] * windows)
    usual = Baseline.of(k, n).usual(0)
    assert math.sqrt(0.02 * 0.98 / (usual.a + usual.b + 1)) == pytest.approx(
        0.02 * DRIFT * times * math.sqrt(1 + 1 / windows), rel=0.01
    )


def test_subject_never_seen_has_a_probability_above_zero() -> None:
    usual = Baseline.of(counts([0, 0]), counts([100, 100])).usual(0)
    assert 1e-4 < usual.above(1, 100) < 0.5


def test_tails_of_many_subjects_equal_those_of_each_subject() -> None:
    k, n = counts([20, 25], [20, 25], [0, 0]), counts([1000, 1000], [1000, 1000], [0, 0])
    baseline = Baseline.of(k, n)
    now, of = np.array([90, 22, 0]), np.array([1000, 1000, 0])
    high = baseline.tails(now, of, low=False)
    assert high[0] == baseline.usual(0).above(90, 1000) < 1e-5
    # The second subject is as usual; the third has no data.
    assert high[1:].tolist() == [1.0, 1.0]
    assert baseline.tails(now, of, low=True).tolist() == [1.0, 1.0, 1.0]


def test_only_tails_up_to_the_greatest_needed_one_are_exact() -> None:
    n = np.full((40, 6), 1000)
    baseline = Baseline.of(np.full(n.shape, 20), n)
    # Counts from 20 to 59: the probability of each is below that of the one before.
    now, of = np.arange(20, 60), n[:, 0]
    exact = baseline.tails(now, of, low=False)
    quick = baseline.tails(now, of, low=False, most=1e-4)
    needed = exact <= 1e-4
    assert needed.sum() > 5
    assert quick[needed].tolist() == exact[needed].tolist()
    assert (quick[~needed] > 1e-4).all()
    assert (quick == 1).sum() > (exact == 1).sum()


def test_false_alarms_stay_below_the_level_with_the_assumed_drift() -> None:
    random = np.random.default_rng(3)
    share = 0.01 * (1 + DRIFT * random.standard_normal((50_000, 6)))
    n = np.full(share.shape, 2400)
    k = random.binomial(n, share)
    baseline = Baseline.of(k[:, 1:], n[:, 1:])
    for low in (True, False):
        p = baseline.tails(k[:, 0], n[:, 0], low=low, most=0.01)
        for level in (1e-2, 1e-3):
            assert 0.05 < (p <= level).mean() / level < 1.0


def test_holm_compares_each_p_with_the_level_shared_by_the_remaining_tests() -> None:
    # The limit is 0.05 / 4, then 0.05 / 3, and so on.
    assert holm(np.array([0.9, 0.012, 0.016, 0.3]), 0.05) == [1, 2]
    assert holm(np.array([0.9, 0.013, 0.016, 0.3]), 0.05) == []
    assert holm(np.array([]), 0.05) == []

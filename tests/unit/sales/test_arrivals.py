import gc
import itertools
import sys
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commands import golden
from include.sales.arrivals import arrivals
from include.sales.demand import Demand
from include.sales.limits import MAX_SEED
from include.sales.local_time import epoch_ms
from include.sales.market import load_market

MARKET = load_market()
DEMAND = Demand(MARKET)
START = datetime(2026, 11, 1, 3, tzinfo=UTC)  # midnight in Buenos Aires, the eve of CyberMonday
HOUR = timedelta(hours=1)

scales = st.sampled_from([0.0, 0.001, 0.3, 2.0])


@settings(max_examples=40)
@given(
    st.integers(0, MAX_SEED),
    st.lists(st.integers(0, 26 * 3_600_000), min_size=2, max_size=6),
    scales,
)
def test_slices_of_an_interval_join_to_the_same_arrivals(
    seed: int, cuts: list[int], scale: float
) -> None:
    """Also for slices over the boundary of a day."""
    borders = [START + timedelta(hours=22, milliseconds=cut) for cut in sorted(cuts)]
    whole = arrivals(DEMAND, seed, borders[0], borders[-1], scale)
    pairs = itertools.pairwise(borders)
    slices = [arrivals(DEMAND, seed, start, end, scale) for start, end in pairs]
    assert np.array_equal(np.concatenate(slices), whole)
    assert (np.diff(whole) >= 0).all()
    assert ((whole >= epoch_ms(borders[0])) & (whole < epoch_ms(borders[-1]))).all()


def test_number_of_arrivals_in_each_hour_follows_the_curve() -> None:
    """Two days, the second one CyberMonday; within five standard deviations of a Poisson count."""
    end = START + 48 * HOUR
    moments = arrivals(DEMAND, 7, START, end, 2)
    for number in range(48):
        opens = START + number * HOUR
        expected = DEMAND.expected(opens, opens + HOUR, 2)
        found = ((moments >= epoch_ms(opens)) & (moments < epoch_ms(opens + HOUR))).sum()
        assert abs(found - expected) < 5 * expected**0.5
    total = DEMAND.expected(START, end, 2)
    assert abs(len(moments) - total) < 4 * total**0.5


@pytest.mark.parametrize("scale", [0.0005, 0.02, 3])
def test_counts_are_poisson_at_any_rate_also_far_below_one_a_second(scale: float) -> None:
    """Compare mean and variance of an hour's counts over 200 seeds."""
    opens = START + 12 * HOUR
    counts = np.array([len(arrivals(DEMAND, s, opens, opens + HOUR, scale)) for s in range(200)])
    expected = DEMAND.expected(opens, opens + HOUR, scale)
    assert counts.mean() == pytest.approx(expected, abs=4 * (expected / 200) ** 0.5)
    assert counts.var() == pytest.approx(expected, rel=0.35)


def test_gaps_are_exponential_and_spread_within_the_second() -> None:
    opens = START + 12 * HOUR
    gaps = np.diff(arrivals(DEMAND, 7, opens, opens + HOUR, 2)) / 1000
    mean = 3600 / DEMAND.expected(opens, opens + HOUR, 2)
    assert gaps.mean() == pytest.approx(mean, rel=0.05)
    assert (gaps > mean).mean() == pytest.approx(np.exp(-1), abs=0.02)
    seconds = arrivals(DEMAND, 7, opens, opens + HOUR, 2) % 1000
    assert np.histogram(seconds, 10)[0] == pytest.approx(len(seconds) / 10, rel=0.2)


def test_sparse_arrivals_have_the_number_and_gaps_of_the_curve() -> None:
    """Thirty days with a mean of one sale in a hundred seconds.

    If time is measured as the number of arrivals expected so far, the gaps must be exponential. The
    tolerances are four standard deviations and, for the greatest distance between the distribution
    functions (Kolmogorov), its 0.1 % quantile.
    """
    hours = 30 * 24
    moments = arrivals(DEMAND, 7, START, START + hours * HOUR, 0.01)
    opens = [START + n * HOUR for n in range(hours)]
    expected = [DEMAND.expected(start, start + HOUR, 0.01) for start in opens]
    clock = np.concatenate([[0.0], np.cumsum(expected)])
    elapsed = np.interp((moments - epoch_ms(START)) / 3_600_000, np.arange(hours + 1), clock)
    count = len(moments)
    assert count == pytest.approx(clock[-1], abs=4 * clock[-1] ** 0.5)
    gaps = np.sort(np.diff(elapsed, prepend=0.0))
    assert gaps.mean() == pytest.approx(1, abs=4 * count**-0.5)
    assert gaps.var() == pytest.approx(1, abs=4 * (8 / count) ** 0.5)
    distance = np.abs(1 - np.exp(-gaps) - (np.arange(count) + 0.5) / count).max()
    assert distance < 1.95 * count**-0.5


def test_arrivals_equal_the_golden_file() -> None:
    kept = golden.read(golden.FOLDER / "golden_arrivals.json")
    assert golden.arrivals_digest(MARKET, kept) == kept["sha256"], (
        "every seed now sells at other times; if the curve or its draws were changed on purpose, "
        "run `./ventas docs`"
    )


def test_different_seeds_give_different_arrivals() -> None:
    one, other = (arrivals(DEMAND, seed, START, START + HOUR, 1) for seed in (1, 2))
    assert not np.array_equal(one, other)


def test_number_of_calls_does_not_depend_on_the_number_of_arrivals() -> None:
    """Only so can millions of arrivals per second be drawn."""

    def calls(scale: float) -> int:
        made = 0

        def count(_frame: object, event: str, _: object) -> None:
            nonlocal made
            made += event in ("call", "c_call")

        gc.disable()  # a collection would call finalizers of other tests' objects
        sys.setprofile(count)
        try:
            arrivals(DEMAND, 7, START, START + HOUR, scale)
        finally:
            sys.setprofile(None)
            gc.enable()
        return made

    arrivals(DEMAND, 7, START, START + HOUR, 1)  # fills the cache of the day's demand
    assert calls(500) == calls(50)


@pytest.mark.parametrize(
    ("start", "end", "scale", "message"),
    [
        (START, START - HOUR, 1, "must not be before the start"),
        (START.replace(tzinfo=None), START, 1, "needs a time zone"),
        (START, START + HOUR, -1, "the scale must be"),
        (START, START + HOUR, float("nan"), "the scale must be"),
        (START, START + HOUR, 1e9, "lower scale"),
    ],
)
def test_impossible_arguments_of_arrivals_are_refused(
    start: datetime, end: datetime, scale: float, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        arrivals(DEMAND, 7, start, end, scale)


def test_empty_interval_has_no_arrivals() -> None:
    assert arrivals(DEMAND, 7, START, START, 100).size == 0

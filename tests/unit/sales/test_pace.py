import time
from datetime import UTC, datetime, timedelta
from itertools import accumulate

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.sales.arrivals import arrivals
from include.sales.demand import Demand
from include.sales.faults import FLAG, FaultRates, Faults
from include.sales.limits import MAX_SEED
from include.sales.pace import Cadence, Curve, gap_seconds
from include.sales.random_numbers import BLOCK, Stream, uniforms

seeds = st.integers(0, MAX_SEED)


class FakeTime:
    """A clock that only `pass_` moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def clock(self) -> float:
        return self.now

    def pass_(self, seconds: float) -> None:
        self.now += seconds

    def wait(self, cadence: Cadence, n: int) -> None:
        """Let the time until sale n pass, in two steps."""
        if (left := cadence.left(n)) > 0:
            self.pass_(left / 2)
            self.pass_(max(cadence.left(n), 0))


@given(seeds, st.integers(0, 10**9), st.floats(0.001, 100), st.floats(0, 100))
def test_gaps_stay_in_their_range_and_do_not_depend_on_order(
    seed: int, n: int, minimum: float, more: float
) -> None:
    gap = gap_seconds(seed, n, minimum, minimum + more)
    assert minimum <= gap <= minimum + more
    gap_seconds(seed, n + BLOCK, minimum, minimum + more)
    gap_seconds(seed, n + 2 * BLOCK, minimum, minimum + more)
    assert gap_seconds(seed, n, minimum, minimum + more) == gap


def test_gaps_are_uniform() -> None:
    gaps = [gap_seconds(7, n, 1, 2) for n in range(20_000)]
    tenths = [sum(1 + i / 10 <= gap < 1 + (i + 1) / 10 for gap in gaps) for i in range(10)]
    assert tenths == pytest.approx([2000] * 10, abs=200)


def test_gaps_and_content_come_from_different_streams() -> None:
    pace, content = (uniforms(7, stream, block=0)[0] for stream in (Stream.PACE, Stream.CONTENT))
    assert not (pace == content).any()


@pytest.mark.parametrize(
    ("minimum", "maximum"),
    [(0, 1), (-1, 1), (2, 1), (float("nan"), 1), (1, float("nan")), (1, float("inf"))],
)
def test_invalid_range_of_gaps_is_refused(minimum: float, maximum: float) -> None:
    with pytest.raises(ValueError, match="0 < minimum ≤ maximum"):
        gap_seconds(7, 0, minimum, maximum)
    with pytest.raises(ValueError, match="0 < minimum ≤ maximum"):
        Cadence(7, minimum, maximum)


def test_injected_bursts_and_silences_are_not_taken_for_delays() -> None:
    faults = Faults(7, FaultRates(rafaga=30, silencio=20))
    time = FakeTime()
    cadence = Cadence(7, 1, 2, faults, clock=time.clock)
    for n in range(500):
        before = time.now
        time.wait(cadence, n)
        expected = faults.gap(n, gap_seconds(7, n, 1, 2))
        assert time.now - before == pytest.approx(expected)
    marks = faults.marks(np.arange(500), np.zeros(500, dtype=np.int64))
    assert (marks & FLAG["rafaga"]).any()
    assert (marks & FLAG["silencio"]).any()


def test_a_seed_out_of_range_is_refused_before_the_first_sale() -> None:
    with pytest.raises(ValueError, match="seed"):
        Cadence(-1, 1, 2)


@given(seeds, st.lists(st.floats(0, 1.9), min_size=1, max_size=50))
def test_slow_sends_do_not_make_the_cadence_drift(seed: int, sends: list[float]) -> None:
    it = FakeTime()
    cadence = Cadence(seed, 1, 2, clock=it.clock)
    deadlines = list(accumulate(gap_seconds(seed, n, 1, 2) for n in range(len(sends))))
    free = 0.0
    late = False
    for n, (send, deadline) in enumerate(zip(sends, deadlines, strict=True)):
        it.wait(cadence, n)
        late = late or free - deadline > 2  # too late: the cadence has restarted from now
        if not late:
            assert it.now - 1000 == pytest.approx(max(deadline, free))
        it.pass_(send)
        free = it.now - 1000


def test_cadence_after_an_outage_restarts_without_a_burst() -> None:
    it = FakeTime()
    cadence = Cadence(7, 1, 2, clock=it.clock)
    it.wait(cadence, 0)
    it.pass_(3600)
    back = it.now
    it.wait(cadence, 1)
    assert it.now == back
    for n in range(2, 10):
        before = it.now
        it.wait(cadence, n)
        assert it.now - before == pytest.approx(gap_seconds(7, n, 1, 2))


def test_a_resumed_run_starts_from_now() -> None:
    it = FakeTime()
    assert Cadence(7, 1, 2, clock=it.clock).left(500) == pytest.approx(gap_seconds(7, 500, 1, 2))


@pytest.mark.parametrize("first", [0, 1000])
def test_each_sale_of_the_curve_is_at_its_arrival(demand: Demand, first: int) -> None:
    start = datetime(2026, 5, 6, 14, 58, 30, tzinfo=UTC)
    expected = arrivals(demand, 7, start, start + timedelta(hours=1), 1.0).tolist()
    curve = Curve(demand, 7, start, 1.0)
    for n in range(first, first + 300):
        assert curve.moment(n) == datetime.fromtimestamp(0, UTC) + timedelta(
            milliseconds=expected[n]
        )
        assert curve.left(n) == pytest.approx(expected[n] / 1000 - time.time(), abs=60)


@pytest.mark.parametrize("scale", [0, -1, float("inf")])
def test_curve_with_scale_zero_is_refused(demand: Demand, scale: float) -> None:
    with pytest.raises(ValueError, match="scale"):
        Curve(demand, 7, datetime(2026, 5, 6, tzinfo=UTC), scale)

import threading
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.sales.draws import BLOCK, MAX_SEED, Stream, uniforms
from include.sales.pace import Pacer, gap_seconds

seeds = st.integers(0, MAX_SEED)


class FakeTime(threading.Event):
    """A clock that only waiting and `pass_` move; it is also the event that is waited on."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0

    def clock(self) -> float:
        return self.now

    def pass_(self, seconds: float) -> None:
        self.now += seconds

    def wait(self, timeout: float | None = None) -> bool:
        if not self.is_set():
            assert timeout is not None
            self.now += timeout
        return self.is_set()


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
def test_a_range_that_is_none_is_refused(minimum: float, maximum: float) -> None:
    with pytest.raises(ValueError, match="0 < minimum ≤ maximum"):
        gap_seconds(7, 0, minimum, maximum)
    with pytest.raises(ValueError, match="0 < minimum ≤ maximum"):
        Pacer(7, minimum, maximum)


def test_a_seed_out_of_range_is_refused_before_the_first_sale() -> None:
    with pytest.raises(ValueError, match="seed"):
        Pacer(-1, 1, 2)


@given(seeds, st.lists(st.floats(0, 1.9), min_size=1, max_size=50))
def test_slow_sends_do_not_make_it_drift(seed: int, sends: list[float]) -> None:
    it = FakeTime()
    pacer = Pacer(seed, 1, 2, clock=it.clock)
    deadlines = list(accumulate(gap_seconds(seed, n, 1, 2) for n in range(len(sends))))
    free = 0.0
    late = False
    for n, (send, deadline) in enumerate(zip(sends, deadlines, strict=True)):
        assert pacer.wait(n, it)
        late = late or free - deadline > 2  # too late: the deadlines have started anew
        if not late:
            assert it.now - 1000 == pytest.approx(max(deadline, free))
        it.pass_(send)
        free = it.now - 1000


def test_after_an_outage_it_starts_anew_instead_of_bursting() -> None:
    it = FakeTime()
    pacer = Pacer(7, 1, 2, clock=it.clock)
    pacer.wait(0, it)
    it.pass_(3600)
    back = it.now
    assert pacer.wait(1, it)
    assert it.now == back
    for n in range(2, 10):
        before = it.now
        assert pacer.wait(n, it)
        assert it.now - before == pytest.approx(gap_seconds(7, n, 1, 2))


def test_a_resumed_run_starts_from_now() -> None:
    it = FakeTime()
    assert Pacer(7, 1, 2, clock=it.clock).wait(500, it)
    assert it.now - 1000 == pytest.approx(gap_seconds(7, 500, 1, 2))


@pytest.mark.parametrize("late", [0, 1.5, 3600])
def test_a_stop_set_before_ends_the_wait_at_once(late: float) -> None:
    it = FakeTime()
    pacer = Pacer(7, 1, 2, clock=it.clock)
    it.pass_(late)
    it.set()
    assert not pacer.wait(0, it)
    assert it.now == 1000 + late


def test_a_stop_set_while_waiting_ends_it_at_once() -> None:
    stop = threading.Event()
    pacer = Pacer(7, 3600, 3600)
    results: list[bool] = []
    waiting = threading.Thread(target=lambda: results.append(pacer.wait(0, stop)), daemon=True)
    waiting.start()
    stop.set()
    waiting.join(timeout=10)
    assert results == [False]

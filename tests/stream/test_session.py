"""Live windows on a real broker, as the operator runs them."""

import os
import signal
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import accumulate, count, takewhile

import msgspec
import pytest

from include.sales.arrivals import arrivals
from include.sales.demand import Demand
from include.sales.event import Venta
from include.sales.lifecycle import is_return
from include.sales.market import load_market
from include.sales.pace import Curve, gap_seconds
from include.stream import transactions
from include.stream.session import (
    SESSION_CONFIG,
    Published,
    WindowStoppedError,
    publish_window,
)
from include.stream.transactions import STOP_GRACE
from tests.support.brokers import OwnKafka
from tests.support.clock import Clock, Stop
from tests.support.place import SEED, Place

STOP_LIMIT = 5.0
GAPS = (0.05, 0.1)

DECIDED = timedelta(seconds=8)
"""Upper limit of the time from a sale to its decision."""


def ts(event: Venta) -> datetime:
    return datetime.fromisoformat(event.ts)


def run(
    place: Place,
    clock: Clock,
    until: datetime | timedelta,
    *,
    gaps: tuple[float, float] = GAPS,
    stop_after: int = 0,
) -> Published:
    """Publish a window with a cadence; stop after `stop_after` transactions (0: do not stop)."""
    stop = Stop(clock)
    with place.publisher(stopped=stop.is_set, committed=stop.after(stop_after)) as publisher:
        return publish_window(
            publisher,
            place.source(),
            until=until,
            pace=lambda _: clock.cadence(SEED, *gaps),
            stop=stop,
        )


def run_curve(
    place: Place,
    clock: Clock,
    begins: datetime,
    until: datetime,
    *,
    stop_after: int = 0,
    scale: float = 30.0,
) -> Published:
    stop = Stop(clock)
    demand = Demand(load_market())
    with place.publisher(stopped=stop.is_set, committed=stop.after(stop_after)) as publisher:
        return publish_window(
            publisher,
            place.source(),
            until=until,
            pace=lambda begins: Curve(demand, SEED, begins, scale),
            stop=stop,
            begins=begins,
        )


def chains(place: Place) -> dict[int, list[Venta]]:
    """Return the events of each sale, in the order of its partition."""
    by_sale: dict[int, list[Venta]] = {}
    for event in place.events():
        by_sale.setdefault(event.secuencia, []).append(event)
    return by_sale


def assert_decided(place: Place, found: dict[int, list[Venta]]) -> None:
    """Assert that each sale from 0 on has all its steps, except returns, in their order."""
    assert sorted(found) == list(range(len(found)))
    for n, chain in found.items():
        expected = place.source().chain(n, ts(chain[0]))
        # A return comes days later, after the window's end.
        assert chain == [event for event in expected if not is_return(event.estado)]


def test_window_ends_at_its_moment_and_decides_the_sales_that_have_begun(
    place: Place, clock: Clock
) -> None:
    begins = clock.now()
    end = begins + timedelta(seconds=2)
    published = run(place, clock, end)

    found = chains(place)
    moments = accumulate(gap_seconds(SEED, n, *GAPS) for n in count())
    assert len(found) == published.sales == sum(1 for _ in takewhile(lambda at: at < 2, moments))
    assert (published.first, published.last) == (0, published.sales - 1)
    assert published.resumed_at == 0
    assert published.sent == published.committed == len(place.events())
    assert max(ts(chain[0]) for chain in found.values()) < end
    assert_decided(place, found)
    assert clock.now() - end < DECIDED
    assert clock.waits < 2 * published.committed, "it waits, and does not ask all the time"


def test_window_that_is_over_publishes_nothing(place: Place, clock: Clock) -> None:
    published = run(place, clock, clock.now() - timedelta(hours=1))
    assert (published.committed, published.first, published.first_ts) == (0, None, None)


def test_resumed_run_keeps_its_end_and_publishes_the_missing_steps(
    place: Place, clock: Clock
) -> None:
    window = timedelta(seconds=3)
    with pytest.raises(WindowStoppedError) as caught:
        run(place, clock, window, stop_after=12)
    first = caught.value.published
    assert first.sent == first.committed == len(place.events())
    assert sum(len(chain) == 1 for chain in chains(place).values()) > 5

    second = run(place, clock, window)
    third = run(place, clock, window)

    assert second.resumed_at == first.sales > 0
    assert second.sales > first.sales
    assert second.first_ts == first.first_ts is not None
    found = chains(place)
    begun = [ts(chain[0]) for chain in found.values()]
    assert max(begun) - min(begun) < window
    assert third.committed == second.committed
    assert len(found) == second.sales
    assert_decided(place, found)


def test_resumed_run_on_the_curve_equals_an_uninterrupted_one(
    place: Place, other_place: Place, clock: Clock
) -> None:
    begins = clock.now() - timedelta(seconds=20)
    until = begins + timedelta(seconds=22)
    with pytest.raises(WindowStoppedError):
        run_curve(place, clock, begins, until, stop_after=3)
    stopped = len(place.events())

    published = run_curve(place, clock, begins, until)
    run_curve(other_place, clock, begins, until)

    assert 0 < stopped < published.committed
    once = {event.id_evento: event for event in other_place.events()}
    assert {event.id_evento: event for event in place.events()} == once
    assert len(place.events()) == len(once) == published.committed


def test_overdue_sales_on_the_curve_are_all_sent_at_once(place: Place, clock: Clock) -> None:
    begins = clock.now() - timedelta(hours=1)
    until = clock.now() + timedelta(seconds=1)
    published = run_curve(place, clock, begins, until, scale=2.0)

    # The clock advances only in a wait, and nothing waits while a sale is due.
    assert clock.now() - until < DECIDED
    expected = arrivals(Demand(load_market()), SEED, begins, until, 2.0).tolist()
    assert published.sales == len(expected) > 1000
    begun = [round(ts(chain[0]).timestamp() * 1000) for chain in chains(place).values()]
    assert sorted(begun) == expected


def test_impossible_gaps_are_refused_before_anything_is_sent(place: Place, clock: Clock) -> None:
    with pytest.raises(ValueError, match="minimum"):
        run(place, clock, timedelta(seconds=1), gaps=(2.0, 1.0))
    assert place.events() == []


def once_it_waits(lost: list[int], stop: Stop) -> Callable[[], bool]:
    """Return a `stopped` for a publisher that sets the stop once it waits for a lost broker.

    A publisher calls `stopped` only while it waits.
    """

    def stopped() -> bool:
        if lost:
            stop.set()
        return stop.is_set()

    return stopped


def test_stop_during_a_broker_loss_ends_the_wait_and_counts_unacknowledged(
    place: Place, broker: int, clock: Clock
) -> None:
    delivery_timeout = 600.0
    stop = Stop(clock)
    lost: list[int] = []

    def lose(n: int) -> None:
        if n == 3:
            os.kill(broker, signal.SIGSTOP)
            lost.append(n)

    publisher = place.publisher(
        delivery_timeout=delivery_timeout, stopped=once_it_waits(lost, stop), committed=lose
    )
    began = time.monotonic()
    with pytest.raises(WindowStoppedError) as caught, publisher:
        publish_window(
            publisher,
            place.source(),
            until=timedelta(minutes=5),
            pace=lambda _: clock.cadence(SEED, *GAPS),
            stop=stop,
        )

    # The stop's own limits end the wait, long before the delivery time-out.
    assert time.monotonic() - began < delivery_timeout / 4
    assert STOP_GRACE + transactions._CLOSE_TIMEOUT + 2 * transactions._SLICE < STOP_LIMIT
    published = caught.value.published
    assert published.sent > published.committed > 0


def test_session_config_keeps_events_and_ledger_entries_small(
    place: Place, own_kafka: OwnKafka
) -> None:
    """Each event is committed alone, as in a live window."""

    def kept(topic: str) -> int:
        logs = (own_kafka.settings.home / "kafka").glob(f"{topic}-[0-9]/*.log")
        return sum(log.stat().st_size for log in logs)

    sales = place.sales(0, 20)
    before, sizes = [kept(place.topic), kept(place.ledger_topic)], []
    for corrida, tuning in (("plain", {}), ("small", SESSION_CONFIG)):
        with place._replace(corrida=corrida).publisher(tuning=tuning) as publisher:
            publisher.open()
            for n, sale in enumerate(sales):
                publisher.commit([msgspec.structs.replace(sale, corrida=corrida, secuencia=n)])
        after = [kept(place.topic), kept(place.ledger_topic)]
        sizes.append([now - then for now, then in zip(after, before, strict=True)])
        before = after
    plain, small = sizes
    assert small[0] < 0.8 * plain[0]
    assert small[1] < 0.85 * plain[1]
    assert len(place.events()) == 2 * len(sales)

"""The whole session, as the operator runs it."""

import os
import signal
import threading
import time
from datetime import UTC, datetime, timedelta, tzinfo

import msgspec
import pytest

from include.sales import pace
from include.sales.arrivals import arrivals
from include.sales.demand import Demand
from include.sales.event import Venta
from include.sales.lifecycle import is_return
from include.sales.market import load_market
from include.sales.pace import Cadence, Curve
from include.stack.settings import Settings
from include.stack.waiting import wait_until
from include.stream import session
from include.stream.session import (
    SESSION_CONFIG,
    Published,
    WindowStoppedError,
    publish_window,
)
from tests.integration.stream.place import SEED, Place

STOP_LIMIT = 5.0
FAST = (0.02, 0.04)
SLOW = (60.0, 90.0)


def ts(event: Venta) -> datetime:
    return datetime.fromisoformat(event.ts)


def run(
    place: Place,
    until: datetime | timedelta,
    gaps: tuple[float, float] = FAST,
    stop: threading.Event | None = None,
) -> Published:
    stop = stop or threading.Event()
    with place.publisher(stopped=stop.is_set) as publisher:
        return publish_window(
            publisher,
            place.source(),
            until=until,
            pace=lambda _: Cadence(SEED, *gaps),
            stop=stop,
        )


def run_curve(
    place: Place,
    begins: datetime,
    until: datetime,
    stop: threading.Event | None = None,
    scale: float = 30.0,
) -> Published:
    stop = stop or threading.Event()
    demand = Demand(load_market())
    with place.publisher(stopped=stop.is_set) as publisher:
        return publish_window(
            publisher,
            place.source(),
            until=until,
            pace=lambda begins: Curve(demand, SEED, begins, scale),
            stop=stop,
            begins=begins,
        )


def sequences(place: Place) -> list[int]:
    """The numbers of the sales begun."""
    return sorted(event.secuencia for event in place.events() if event.estado == "pendiente")


def chains(place: Place) -> dict[int, list[Venta]]:
    """The events of each sale, in the order of its partition."""
    by_sale: dict[int, list[Venta]] = {}
    for event in place.events():
        by_sale.setdefault(event.secuencia, []).append(event)
    return by_sale


def test_a_window_ends_at_its_moment_with_everything_acknowledged(place: Place) -> None:
    end = datetime.now(UTC) + timedelta(seconds=2)
    published = run(place, end)

    assert published.enviadas == published.confirmadas == len(place.events())
    assert published.ventas > 10
    assert (published.desde, published.hasta) == (0, published.ventas - 1)
    assert published.reanudada_en == 0
    assert max(ts(chain[0]) for chain in chains(place).values()) < end
    assert sequences(place) == list(range(published.ventas))


def test_sales_that_have_begun_are_decided_after_the_end_and_each_in_its_order(
    place: Place,
) -> None:
    began = time.monotonic()
    run(place, timedelta(seconds=1))

    assert time.monotonic() - began < 1 + 8
    for n, chain in chains(place).items():
        expected = place.source().chain(n, ts(chain[0]))
        # Days pass before a sale is given back; the window is over by then.
        assert chain == [event for event in expected if not is_return(event.estado)]


class AnyMoment(type):
    """Whose instances are all moments."""

    def __instancecheck__(cls, it: object) -> bool:
        return isinstance(it, datetime)


class SetClock:
    """The system's clock, which is set once: by `step` seconds, after `after` seconds."""

    def __init__(self, step: float, after: float) -> None:
        self.step, self.after = step, after
        self.began = time.monotonic()
        self.time = time.time

    def __call__(self) -> float:
        is_set = time.monotonic() - self.began > self.after
        return self.time() + (self.step if is_set else 0)

    def now(self, tz: tzinfo | None = None) -> datetime:
        return datetime.fromtimestamp(self(), tz)


@pytest.mark.parametrize("step", [-600.0, 600.0], ids=["back", "forward"])
@pytest.mark.parametrize("mode", ["cadence", "curve"])
def test_a_clock_that_is_set_in_the_middle_changes_nothing_of_a_window(
    place: Place, monkeypatch: pytest.MonkeyPatch, step: float, mode: str
) -> None:
    clock = SetClock(step, after=1)
    monkeypatch.setattr(time, "time", clock)
    for module in (session, pace):
        # Whoever asks for the moment there is told the clock's.
        told = AnyMoment("Moment", (datetime,), {"now": clock.now})
        monkeypatch.setattr(module, "datetime", told)
    processor = time.process_time()

    if mode == "cadence":
        published = run(place, timedelta(seconds=3))
    else:
        begins = datetime.now(UTC)
        published = run_curve(place, begins, begins + timedelta(seconds=3))

    assert time.monotonic() - clock.began < 3 + 8
    assert time.process_time() - processor < 3, "it waits, and does not ask the clock all the time"
    begun = sorted(ts(chain[0]) for chain in chains(place).values())
    assert timedelta(seconds=2) < begun[-1] - begun[0] < timedelta(seconds=3)
    assert sequences(place) == list(range(published.ventas))
    for n, chain in chains(place).items():
        expected = place.source().chain(n, ts(chain[0]))
        assert chain == [event for event in expected if not is_return(event.estado)]


def test_a_window_that_is_over_publishes_nothing(place: Place) -> None:
    published = run(place, datetime.now(UTC) - timedelta(hours=1))
    assert (published.confirmadas, published.desde, published.primera_ts) == (0, None, None)


def test_a_resumed_run_keeps_the_end_of_its_first_try(place: Place) -> None:
    stop = threading.Event()
    threading.Timer(1, stop.set).start()
    with pytest.raises(WindowStoppedError) as caught:
        run(place, timedelta(seconds=3), stop=stop)
    first = caught.value.published

    second = run(place, timedelta(seconds=3))
    third = run(place, timedelta(seconds=3))

    assert second.reanudada_en == first.ventas > 0
    assert second.primera_ts == first.primera_ts is not None
    begun = [ts(chain[0]) for chain in chains(place).values()]
    assert max(begun) - min(begun) < timedelta(seconds=3)
    assert third.confirmadas == second.confirmadas
    assert sequences(place) == list(range(second.ventas))


def test_the_steps_that_a_stopped_try_left_undone_are_made_up_for(place: Place) -> None:
    stop = threading.Event()
    threading.Timer(1, stop.set).start()
    with pytest.raises(WindowStoppedError):
        run(place, timedelta(seconds=1.5), stop=stop)
    undone = [n for n, chain in chains(place).items() if len(chain) == 1]
    assert len(undone) > 5

    run(place, timedelta(seconds=1.5))

    found = chains(place)
    for n, chain in found.items():
        expected = place.source().chain(n, ts(chain[0]))
        assert chain == [event for event in expected if not is_return(event.estado)]


def wait_for_events(place: Place) -> None:
    wait_until(
        lambda: bool(place.events()),
        service="Kafka",
        address=place.config["bootstrap.servers"],
        seconds=20,
    )


def test_on_the_curve_a_resumed_run_has_the_bytes_of_one_that_was_never_stopped(
    place: Place, own_place: Place
) -> None:
    begins = datetime.now(UTC) - timedelta(seconds=20)
    until = begins + timedelta(seconds=27)
    same_run = own_place._replace(corrida=place.corrida)
    stop = threading.Event()
    # Once something is published, however busy the machine is.
    threading.Thread(target=lambda: (wait_for_events(place), stop.set())).start()
    with pytest.raises(WindowStoppedError):
        run_curve(place, begins, until, stop)
    stopped = len(place.events())

    published = run_curve(place, begins, until)
    run_curve(same_run, begins, until)

    assert 0 < stopped < published.confirmadas
    once = {event.id_evento: event for event in same_run.events()}
    assert {event.id_evento: event for event in place.events()} == once
    assert len(place.events()) == len(once) == published.confirmadas


def test_on_the_curve_what_was_sold_before_now_is_sent_at_once_and_none_is_left_out(
    place: Place,
) -> None:
    begins = datetime.now(UTC) - timedelta(hours=1)
    until = begins + timedelta(hours=1, seconds=1)
    began = time.monotonic()
    published = run_curve(place, begins, until, scale=2.0)

    assert time.monotonic() - began < 15
    expected = arrivals(Demand(load_market()), SEED, begins, until, 2.0).tolist()
    assert published.ventas == len(expected)
    begun = [round(ts(chain[0]).timestamp() * 1000) for chain in chains(place).values()]
    assert sorted(begun) == expected


def test_impossible_gaps_are_refused_before_anything_is_sent(place: Place) -> None:
    with pytest.raises(ValueError, match="minimum"):
        run(place, timedelta(seconds=1), (2.0, 1.0))
    assert sequences(place) == []


@pytest.mark.parametrize("gaps", [FAST, SLOW], ids=["publishing", "waiting"])
def test_a_stop_ends_it_at_once_and_never_as_a_success(
    place: Place, gaps: tuple[float, float]
) -> None:
    stop = threading.Event()
    asked: list[float] = []

    def ask() -> None:
        asked.append(time.monotonic())
        stop.set()

    threading.Timer(1, ask).start()
    with pytest.raises(WindowStoppedError) as caught:
        run(place, timedelta(minutes=5), gaps, stop)

    assert time.monotonic() - asked[0] < 1
    published = caught.value.published
    assert published.enviadas == published.confirmadas == len(place.events())


def test_a_stop_while_the_broker_is_lost_ends_in_time_and_counts_what_is_not_acknowledged(
    own_place: Place, broker: int
) -> None:
    stop = threading.Event()
    asked: list[float] = []

    def ask() -> None:
        asked.append(time.monotonic())
        stop.set()

    threading.Timer(2, os.kill, (broker, signal.SIGSTOP)).start()
    threading.Timer(3, ask).start()
    with pytest.raises(WindowStoppedError) as caught:
        run(own_place, timedelta(minutes=5), stop=stop)

    assert time.monotonic() - asked[0] < STOP_LIMIT
    published = caught.value.published
    assert published.enviadas > published.confirmadas


def test_an_event_and_its_ledger_entry_are_kept_small(place: Place, stack: Settings) -> None:
    """One by one, as a window at its pace commits them."""

    def kept(topic: str) -> int:
        logs = (stack.home / "kafka").glob(f"{topic}-[0-9]/*.log")
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

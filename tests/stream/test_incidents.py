"""Incidents of business on a real broker: the ledger holds them and counts the omitted sales."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from include.sales.bulk import evenly, split
from include.sales.content import SaleSource
from include.sales.demand import Demand
from include.sales.event import format_ts
from include.sales.incidents import OMITTED, Incident
from include.sales.local_time import moment_of
from include.sales.market import load_market
from include.sales.pace import Curve
from include.sales.random_numbers import BLOCK
from include.stream.ledger import read_faults, read_run
from include.stream.load import LOAD_CONFIG, publish_load
from include.stream.reader import read_committed
from include.stream.session import Published, WindowStoppedError, publish_window
from tests.support.clock import Clock, Stop
from tests.support.place import SEED, Place


def incidents(begins: datetime) -> Sequence[Incident]:
    return [
        Incident("menos_ventas", "", 60, format_ts(begins), 0.2),
        Incident("sucursal_muda", "Palermo", 100, format_ts(begins), 5),
        Incident("promocion", "qr", 25, format_ts(begins + timedelta(seconds=5)), 5),
    ]


def values(place: Place) -> list[bytes]:
    return sorted(record.value or b"" for record in read_committed(place.config, place.topic))


def omitted(source: SaleSource, begins: dict[int, datetime]) -> list[int]:
    return [n for n, moment in begins.items() if not source.chain(n, moment)]


def test_resumed_window_keeps_its_incidents_and_sends_the_bytes_of_an_uninterrupted_one(
    place: Place, other_place: Place, clock: Clock
) -> None:
    begins = clock.now() - timedelta(seconds=20)
    until = begins + timedelta(seconds=22)
    demand = Demand(load_market())

    def window(where: Place, stop_after: int, moved: timedelta = timedelta()) -> Published:
        stop = Stop(clock)
        with where.publisher(stopped=stop.is_set, committed=stop.after(stop_after)) as publisher:
            return publish_window(
                publisher,
                where.source(),
                until=until,
                pace=lambda begins: Curve(demand, SEED, begins, 30.0),
                stop=stop,
                begins=begins,
                incidents=lambda begins: incidents(begins + moved),
            )

    with pytest.raises(WindowStoppedError):
        window(place, 3)
    published = window(place, 0, moved=timedelta(hours=1))
    window(other_place, 0)

    assert values(place) == values(other_place)
    run = read_run(place.config, place.ledger_topic, place.corrida)
    assert run.incidents == tuple(incidents(begins))
    source = place.source().with_incidents(run.incidents)
    curve = Curve(demand, SEED, begins, 30.0)
    lost = omitted(source, {n: curve.moment(n) for n in range(run.last + 1)})
    assert len(lost) == run.omitted == published.omitted > 50
    assert published.sales == run.last + 1 - len(lost)
    assert {event.secuencia for event in place.events()} == {*range(run.last + 1)} - {*lost}


def test_load_with_incidents_is_the_same_in_shards_and_counted_minute_by_minute(
    place: Place, other_place: Place, clock: Clock
) -> None:
    total, start = 2 * BLOCK + 500, clock.now()
    schedule = evenly(start, 500)

    def load(where: Place, sales: range, rate: float | None = None) -> Published:
        """Publish some sales; with a rate, stop after 40 transactions of three sales each."""
        stop = Stop(clock)
        with where.publisher(
            tuning=LOAD_CONFIG, stopped=stop.is_set, committed=stop.after(40 if rate else 0)
        ) as publisher:
            return publish_load(
                publisher,
                where.source().with_incidents(incidents(start)),
                sales=sales,
                schedule=schedule,
                rate=rate,
                stop=stop,
            )

    # The incidents omit all sales of some transactions.
    with pytest.raises(WindowStoppedError):
        load(place, range(total), rate=12)
    load(place, range(total))
    for shard in split(total, 3):
        load(other_place, shard)

    assert values(place) == values(other_place)
    one, other = (read_run(it.config, it.ledger_topic, it.corrida) for it in (place, other_place))
    assert one == other
    moments = schedule(0, total).tolist()
    source = place.source().with_incidents(one.incidents)
    lost = omitted(source, {n: moment_of(ms) for n, ms in enumerate(moments)})
    assert (one.omitted, one.last) == (len(lost), total - 1)
    assert read_faults(place.config, place.ledger_topic, start) == {OMITTED: len(lost)}

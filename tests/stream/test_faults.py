"""Injected faults on a real broker: the ledger counts them exactly, also after a resume."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from include.sales.bulk import evenly, split
from include.sales.demand import Demand
from include.sales.faults import FATES, FLAG, GARBLED, FaultRates, Faults
from include.sales.market import load_market
from include.sales.pace import Curve, Pace
from include.sales.random_numbers import BLOCK
from include.stream.ledger import began_at, read_faults, read_run
from include.stream.load import LOAD_CONFIG, publish_load
from include.stream.reader import ids_of_run, read_committed
from include.stream.session import Published, WindowStoppedError, publish_window
from tests.support.clock import Clock, Stop
from tests.support.place import SEED, Place

FAULTS = Faults(SEED, FaultRates(10, 5, 10, 20))
START = datetime(2026, 11, 24, 12, tzinfo=UTC)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def load(
    place: Place,
    clock: Clock,
    sales: range,
    *,
    stop_after: int = 0,
    rate: float | None = None,
) -> Published:
    """Publish some sales as a load; stop after `stop_after` transactions (0: do not stop)."""
    stop = Stop(clock)
    with place.publisher(
        tuning=LOAD_CONFIG,
        stopped=stop.is_set,
        committed=stop.after(stop_after),
    ) as publisher:
        return publish_load(
            publisher,
            place.source(),
            sales=sales,
            schedule=evenly(START, 100),
            rate=rate,
            stop=stop,
            faults=FAULTS,
        )


def window(
    place: Place, clock: Clock, begins: datetime, until: datetime, *, stop_after: int = 0
) -> Published:
    """Publish a window on the demand curve, whose moments are the same in every run."""
    stop = Stop(clock)
    demand = Demand(load_market())
    with place.publisher(stopped=stop.is_set, committed=stop.after(stop_after)) as publisher:
        return publish_window(
            publisher,
            place.source(),
            until=until,
            pace=lambda begins: Curve(demand, SEED, begins, 30.0),
            stop=stop,
            begins=begins,
            faults=FAULTS,
        )


def values(place: Place) -> list[bytes]:
    return sorted(r.value or b"" for r in read_committed(place.config, place.topic))


def kinds_of(values: list[bytes]) -> Counter[str]:
    """Count the records of each garbled kind."""
    kinds: Counter[str] = Counter()
    for value in values:
        if b"\xff" in value:
            kinds["codificacion"] += 1
        elif not value.endswith(b"}"):
            kinds["truncado"] += 1
        else:
            row = json.loads(value)
            kinds["sin_ts"] += "ts" not in row
            kinds["tipo_erroneo"] += isinstance(row["cantidad"], str)
            kinds["importe_absurdo"] += row["importe_centavos"] == 10**12
    return kinds


def assert_counted(place: Place, published: Published) -> None:
    """Assert that the records of the topic agree with the ledger and with `published`."""
    run = read_run(place.config, place.ledger_topic, place.corrida)
    found = values(place)
    ids = ids_of_run(place.config, place.topic, place.corrida)
    assert {kind: run.faults[kind] for kind in GARBLED} == dict(kinds_of(found))
    assert min(run.faults.values()) > 0
    assert published.faults == run.faults
    unparseable = [kind for kind, fate in FATES.items() if fate == "unparseable"]
    assert ids.malformed == sum(run.faults[kind] for kind in unparseable)
    assert ids.times.total() == published.committed == published.sent == run.rows
    assert Counter(ids.times.values()).keys() == {1, 2}
    assert Counter(ids.times.values())[2] == run.faults["duplicado"]
    proper = [event for event in ids.times if not event.endswith("x")]
    assert len(proper) == run.total.eventos
    assert run.sales == published.sales


def test_load_with_faults_is_counted_in_the_ledger(place: Place, clock: Clock) -> None:
    # One millisecond earlier, because Kafka's timestamps are whole milliseconds.
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    published = load(place, clock, range(5000))
    assert_counted(place, published)
    assert read_faults(place.config, place.ledger_topic, LONG_AGO) == published.faults
    first = began_at(place.config, place.ledger_topic, [place.corrida])
    assert first
    assert before <= first <= datetime.now(UTC)
    assert began_at(place.config, place.ledger_topic, ["otra"]) is None


def test_load_sends_the_same_bytes_when_stopped_or_in_shards(
    place: Place, other_place: Place, clock: Clock
) -> None:
    total = 2 * BLOCK + 500
    with pytest.raises(WindowStoppedError):
        load(place, clock, range(total), stop_after=3, rate=3000)
    assert load(place, clock, range(total)).resumed_at > 0
    for shard in split(total, 2):
        load(other_place, clock, shard)

    assert values(place) == values(other_place)
    one, other = (read_run(it.config, it.ledger_topic, it.corrida) for it in (place, other_place))
    assert one == other


def test_stopped_and_resumed_window_sends_the_bytes_of_an_uninterrupted_one(
    place: Place, other_place: Place, clock: Clock
) -> None:
    begins = clock.now() - timedelta(seconds=20)
    until = begins + timedelta(seconds=22)
    with pytest.raises(WindowStoppedError) as caught:
        window(place, clock, begins, until, stop_after=3)

    published = window(place, clock, begins, until)
    window(other_place, clock, begins, until)

    assert 0 < caught.value.published.committed < published.committed
    assert values(place) == values(other_place)
    assert_counted(place, published)


def test_resumed_window_keeps_its_end_despite_late_sales(place: Place, clock: Clock) -> None:
    """The run begins at the `ts` of sale 0, although later sales have earlier ones."""
    faults = Faults(SEED, FaultRates(tardio=50, desordenado=50, rafaga=50, silencio=1))
    window = timedelta(seconds=2)
    begun: list[datetime] = []

    def run(stop_after: int) -> Published:
        stop = Stop(clock)

        def pace(begins: datetime) -> Pace:
            begun.append(begins)
            return clock.cadence(SEED, 0.02, 0.04, faults)

        with place.publisher(stopped=stop.is_set, committed=stop.after(stop_after)) as publisher:
            return publish_window(
                publisher, place.source(), until=window, pace=pace, stop=stop, faults=faults
            )

    with pytest.raises(WindowStoppedError):
        run(15)
    published = run(0)

    first = next(
        event
        for value in values(place)
        if (event := json.loads(value))["secuencia"] == 0 and event["estado"] == "pendiente"
    )
    assert begun[1] == datetime.fromisoformat(first["ts"])
    assert published.first_ts is not None
    assert datetime.fromisoformat(published.first_ts) < begun[1] - timedelta(minutes=5)
    marks = faults.marks(np.arange(published.sales), np.zeros(published.sales, dtype=np.int64))
    expected = {kind: int(((marks & flag) > 0).sum()) for kind, flag in FLAG.items()}
    assert published.faults == {kind: count for kind, count in expected.items() if count}
    assert published.faults.keys() >= {"tardio", "desordenado"}

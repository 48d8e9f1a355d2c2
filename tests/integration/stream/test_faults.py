"""Faults on purpose on a real broker: the ledger counts what is there, also of a resumed run."""

import json
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from include.sales.bulk import evenly, split
from include.sales.demand import Demand
from include.sales.draws import BLOCK
from include.sales.faults import FATES, FLAG, GARBLED, FaultRates, Faults
from include.sales.market import load_market
from include.sales.pace import Cadence, Curve, Pace
from include.stream.ledger import began_at, read_faults, read_run
from include.stream.load import LOAD_CONFIG, publish_load
from include.stream.reader import ids_of_run, read_committed
from include.stream.session import Published, WindowStoppedError, publish_window
from tests.integration.stream.place import SEED, Place

FAULTS = Faults(SEED, FaultRates(10, 5, 10, 20))
START = datetime(2026, 11, 24, 12, tzinfo=UTC)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def load(
    place: Place, sales: range, stop: threading.Event | None = None, rate: float | None = None
) -> Published:
    stop = stop or threading.Event()
    place = place._replace(config={**LOAD_CONFIG, **place.config})
    with place.publisher(stopped=stop.is_set) as publisher:
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
    place: Place, begins: datetime, until: datetime, stop: threading.Event | None = None
) -> Published:
    """On the curve, whose moments are the same in every run."""
    stop = stop or threading.Event()
    demand = Demand(load_market())
    with place.publisher(stopped=stop.is_set) as publisher:
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
    """How often there is a record of each garbled kind."""
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
    """The topic against the ledger."""
    run = read_run(place.config, place.ledger_topic, place.corrida)
    found = values(place)
    ids = ids_of_run(place.config, place.topic, place.corrida)
    assert {kind: run.faults[kind] for kind in GARBLED} == dict(kinds_of(found))
    assert min(run.faults.values()) > 0
    assert published.fallas == run.faults
    unparseable = [kind for kind, fate in FATES.items() if fate == "unparseable"]
    assert ids.malformed == sum(run.faults[kind] for kind in unparseable)
    assert ids.times.total() == published.confirmadas == published.enviadas == run.rows
    assert Counter(ids.times.values()).keys() == {1, 2}
    assert Counter(ids.times.values())[2] == run.faults["duplicado"]
    proper = [event for event in ids.times if not event.endswith("x")]
    assert len(proper) == run.total.eventos
    assert run.sales == published.ventas


def test_everything_in_a_load_is_counted(place: Place) -> None:
    published = load(place, range(5000))
    assert_counted(place, published)
    assert read_faults(place.config, place.ledger_topic, LONG_AGO) == published.fallas
    first = began_at(place.config, place.ledger_topic, [place.corrida])
    assert first
    assert timedelta(0) <= datetime.now(UTC) - first < timedelta(minutes=1)
    assert began_at(place.config, place.ledger_topic, ["otra"]) is None


def test_a_load_that_is_stopped_or_in_shards_sends_the_same_bytes(
    place: Place, own_place: Place
) -> None:
    total = 2 * BLOCK + 500
    stop = threading.Event()
    threading.Timer(1, stop.set).start()
    with pytest.raises(WindowStoppedError):
        load(place, range(total), stop, rate=3000)
    assert load(place, range(total)).reanudada_en > 0
    same_run = own_place._replace(corrida=place.corrida)
    for shard in split(total, 2):
        load(same_run, shard)

    assert values(place) == values(same_run)
    one, other = (read_run(it.config, it.ledger_topic, it.corrida) for it in (place, same_run))
    assert one == other


def test_a_window_that_is_stopped_sends_the_bytes_of_one_that_was_not(
    place: Place, own_place: Place
) -> None:
    begins = datetime.now(UTC) - timedelta(seconds=20)
    until = begins + timedelta(seconds=23)
    same_run = own_place._replace(corrida=place.corrida)
    stop = threading.Event()
    threading.Timer(0.5, stop.set).start()
    with pytest.raises(WindowStoppedError) as caught:
        window(place, begins, until, stop)

    published = window(place, begins, until)
    window(same_run, begins, until)

    assert 0 < caught.value.published.confirmadas < published.confirmadas
    assert values(place) == values(same_run)
    assert_counted(place, published)


def test_a_resumed_window_keeps_its_end_though_late_sales_begin_before_the_first(
    place: Place,
) -> None:
    """A cadence with bursts and silences; the run's beginning is its first sale's."""
    faults = Faults(SEED, FaultRates(tardio=50, desordenado=50, rafaga=50, silencio=1))
    begun: list[datetime] = []

    def run(stop: threading.Event) -> Published:
        def pace(begins: datetime) -> Pace:
            begun.append(begins)
            return Cadence(SEED, 0.02, 0.04, faults)

        with place.publisher(stopped=stop.is_set) as publisher:
            return publish_window(
                publisher,
                place.source(),
                until=timedelta(seconds=2),
                pace=pace,
                stop=stop,
                faults=faults,
            )

    stop = threading.Event()
    threading.Timer(1, stop.set).start()
    with pytest.raises(WindowStoppedError):
        run(stop)
    published = run(threading.Event())

    first = next(
        event
        for value in values(place)
        if (event := json.loads(value))["secuencia"] == 0 and event["estado"] == "pendiente"
    )
    assert begun[1] == datetime.fromisoformat(first["ts"])
    assert published.primera_ts is not None
    assert datetime.fromisoformat(published.primera_ts) < begun[1] - timedelta(minutes=5)
    marks = faults.marks(np.arange(published.ventas), np.zeros(published.ventas, dtype=np.int64))
    expected = {kind: int(((marks & flag) > 0).sum()) for kind, flag in FLAG.items()}
    assert published.fallas == {kind: count for kind, count in expected.items() if count}
    assert published.fallas.keys() >= {"tardio", "desordenado"}

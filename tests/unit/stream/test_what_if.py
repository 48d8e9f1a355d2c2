"""The paired run: its difference is that of the ledgers of two runs, with and without incidents."""

import random
import threading
from collections.abc import Sequence
from datetime import date, datetime, timedelta

import numpy as np
import pytest

from include.names import LEDGER_TOPIC, TOPIC
from include.sales.backfill import Day, day_arrivals
from include.sales.bulk import BulkEncoder, evenly
from include.sales.content import SaleSource
from include.sales.demand import Demand
from include.sales.event import Venta, format_ts
from include.sales.faults import FaultRates, Faults
from include.sales.incident_tables import SUBJECT_COLUMNS
from include.sales.incidents import Incident, Plan, values_of
from include.sales.local_time import epoch_ms, moment_of
from include.sales.market import load_market
from include.sales.random_numbers import BLOCK, Ints
from include.sales.sums import Sums, added, sums_of
from include.sales.what_if import (
    FIELDS,
    Comparison,
    Figures,
    Period,
    by_state,
    compare,
    sums_of_run,
)
from include.stream import ledger
from include.stream.ledger import progress_of
from include.stream.load import entries_of, publish_load
from include.stream.moments import SalesDeletedError, TooManySalesError, moments_of_run
from include.stream.reader import chains_of_run
from tests.support.memory_kafka import NOON, MemoryKafka, publish, publisher_of

MARKET = load_market()
RUN = "una"
MOST = 10_000


class Case:
    """A run of random stores and incidents; their subjects are among its first sales."""

    def __init__(self, number: int) -> None:
        self.rng = rng = random.Random(number)
        stores = rng.sample([store.id for store in MARKET.stores], rng.choice([1, 5, 30]))
        self.source = SaleSource(
            MARKET, rng.getrandbits(63), RUN, rng.choice([[], stores]), rng.choice([5, 60, 600])
        )
        self._usual = self.source.columns(0, np.full(BLOCK, epoch_ms(NOON)))
        lines = [self._line() for _ in range(rng.randint(1, 3))]
        self.incidents = [Plan.read(line, MARKET).begun(NOON) for line in lines]

    def _line(self) -> str:
        kind = self.rng.choice(MARKET.incidents)
        subject = ""
        while kind.fields and not subject:  # some sales have no issuer
            field = self.rng.choice(kind.fields)
            sold = getattr(self._usual, SUBJECT_COLUMNS[field])[self.rng.randrange(50)]
            subject = values_of(MARKET, self.source.stores, field)[sold]
        size = self.rng.uniform(0.3, 1) * kind.maximo
        return f"{kind.incidente}; {subject}; {size}; {self.rng.uniform(0, 1)}; 8"


def minus(one: dict[str, Sums], other: dict[str, Sums]) -> dict[str, list[int]]:
    return {
        state: [
            getattr(one.get(state, Sums()), name) - getattr(other.get(state, Sums()), name)
            for name in Sums.__struct_fields__
        ]
        for state in {**one, **other}
    }


def figures(sums: dict[str, Sums]) -> Figures:
    begun, approved = (sums.get(state, Sums()) for state in ("pendiente", "aprobada"))
    returned = [sums.get(state, Sums()) for state in ("reembolsada", "contracargo")]
    return Figures(
        begun.eventos,
        approved.eventos,
        approved.unidades,
        approved.importe_centavos,
        approved.descuento_centavos,
        sum(it.importe_centavos for it in returned),
    )


def by_value(events: Sequence[Venta], field: str) -> dict[str, Figures]:
    sums: dict[str, dict[str, Sums]] = {}
    for event in events:
        value = getattr(event, field)
        sums[value] = added(sums.get(value, {}), {event.estado: sums_of(event)})
    return {value: figures(by) for value, by in sums.items()}


def check_fields(found: Comparison, planted: Sequence[Venta], without: Sequence[Venta]) -> None:
    nothing = figures({})
    for field in FIELDS:
        one, other = by_value(planted, field), by_value(without, field)
        listed = {pair.value: (pair.planted, pair.without) for pair in found.fields[field]}
        for value in {**one, **other}:
            sides = one.get(value, nothing), other.get(value, nothing)
            assert listed.pop(value, (sides[0], sides[0])) == sides
        assert listed == {}
        changes = [abs(pair.change_centavos) for pair in found.fields[field]]
        assert changes == sorted(changes, reverse=True)


@pytest.mark.parametrize("number", range(20))
def test_difference_of_a_paired_window_is_that_of_the_ledgers_of_two_windows(
    number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = Case(number)
    count = case.rng.randint(60, 120)
    gaps = [case.rng.randint(500, 4000) for _ in range(count)]
    planned = epoch_ms(NOON) + np.cumsum(gaps)
    until = moment_of(int(planned[-1]) + 1000)
    rates = FaultRates(duplicado=10, tardio=4, desordenado=4, malformado=20)
    faults = Faults(case.source.seed, rates) if number % 2 else None
    begun = faults.shifted(lambda first, stop: planned[first:stop])(0, count) if faults else planned

    planted, without = MemoryKafka(), MemoryKafka()
    ledger_with = publish(planted, case.source, planned, until, case.incidents, monkeypatch, faults)
    progress, moments = moments_of_run({}, TOPIC, LEDGER_TOPIC, RUN, most=MOST)
    ledger_without = publish(without, case.source, moments, until, [], monkeypatch)
    assert progress == ledger_with
    assert moments.tolist() == begun.tolist()
    assert ledger_with.last == ledger_without.last == count - 1

    period = Period(moments, epoch_ms(until), all_decided=True)
    sides = [
        sums_of_run(case.source.with_incidents(incidents), period)
        for incidents in (case.incidents, [])
    ]
    difference = minus(*map(by_state, sides))
    assert difference == minus(ledger_with.by_state, ledger_without.by_state)
    assert any(map(any, difference.values()))
    assert [by_state(it) for it in sides] == [ledger_with.by_state, ledger_without.by_state]
    found = compare(case.source, *sides)
    assert found.total.planted == figures(ledger_with.by_state)
    assert found.total.without == figures(ledger_without.by_state)
    check_fields(found, planted.events(), without.events())


@pytest.mark.parametrize("number", range(20))
def test_difference_of_a_paired_load_is_that_of_the_ledgers_of_two_loads(number: int) -> None:
    case = Case(number)
    count = case.rng.randint(2000, 4500)
    schedule = evenly(NOON, case.rng.uniform(5, 30))
    moments = schedule(0, count)
    until = moment_of(int(moments[-1]) + 1)
    period = Period(moments, epoch_ms(until), all_decided=False)

    sides, sums = [], []
    for incidents in (case.incidents, []):
        source = case.source.with_incidents(incidents)
        batches = BulkEncoder(source, until).blocks(range(count), schedule)
        entries = [entry for batch in batches for entry in entries_of(batch, source)]
        sides.append(progress_of(RUN, entries).by_state)
        sums.append(sums_of_run(source, period))
    assert [by_state(it) for it in sums] == sides
    assert any(map(any, minus(*sides).values()))


def test_day_filled_in_two_parts_equals_a_day_filled_at_once_with_its_first_incidents(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    day, kafka, source = Day(date(2026, 11, 24)), MemoryKafka(), SaleSource(MARKET, 7, RUN)

    def planted(line: str) -> Incident:
        return Plan.read(line, MARKET).begun(day.start)

    def fill(until: datetime, *incidents: Incident) -> Ints:
        begins = day_arrivals(Demand(MARKET), 7, day, 0.05, until)
        publish_load(
            publisher_of(kafka, source, monkeypatch),
            source.with_incidents(incidents),
            sales=range(len(begins)),
            schedule=lambda first, stop: begins[first:stop],
            until=until,
            catch_up=True,
            stop=threading.Event(),
        )
        return begins

    def compared(begins: Ints, until: datetime, *incidents: Incident) -> dict[str, Sums]:
        period = Period(begins, epoch_ms(until), all_decided=False)
        return by_state(sums_of_run(source.with_incidents(incidents), period))

    noon, night = NOON.replace(year=2026), NOON.replace(year=2026, hour=23)
    first, late, next_one = (
        planted(line)
        for line in (
            "menos_ventas; ; 90; 600; 60",
            "menos_ventas; ; 90; 700; 60",
            "sucursal_muda; La Plata Centro; 100; 1080; 60",
        )
    )
    begins = fill(noon, first)
    progress = ledger.read_run({}, LEDGER_TOPIC, RUN)
    assert progress.by_state == compared(begins, noon, first)
    assert progress.omitted > 0

    begins = fill(night, late, next_one)
    progress = ledger.read_run({}, LEDGER_TOPIC, RUN)
    assert progress.incidents == (first, next_one)
    # The decisions and returns between the two ends are there, too, and a third time adds nothing.
    assert progress.by_state == compared(begins, night, first, next_one)
    records = len(kafka.records)
    fill(night, late, next_one)
    assert len(kafka.records) == records


def test_run_whose_sales_kafka_has_deleted_or_that_has_too_many_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    case, kafka = Case(1), MemoryKafka()
    until = NOON + timedelta(minutes=2)
    publish(kafka, case.source, evenly(NOON, 1)(0, 60), until, case.incidents, monkeypatch)
    with pytest.raises(TooManySalesError, match="has 60 sales, and at most 59"):
        moments_of_run({}, TOPIC, LEDGER_TOPIC, RUN, most=59)
    kafka.records.remove(next(record for record in kafka.records if record[0] == TOPIC))
    with pytest.raises(SalesDeletedError, match="Kafka has deleted the others"):
        moments_of_run({}, TOPIC, LEDGER_TOPIC, RUN, most=60)


def test_omitted_sales_of_a_load_begin_between_their_neighbours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kafka, schedule = MemoryKafka(), evenly(NOON, 10)
    kafka.install(monkeypatch)
    for size in (50.0, 90.0):
        source = Case(1).source.with_incidents(
            [Incident("menos_ventas", "", size, format_ts(NOON), 60)]
        )
        [batch] = BulkEncoder(source).blocks(range(500), schedule)
        entries = [ledger.encode(entry) for entry in entries_of(batch, source)]
        kafka.records = [(TOPIC, b"", value) for value in batch.values]
        kafka.records += [(LEDGER_TOPIC, RUN.encode(), entry) for entry in entries]
        progress, moments = moments_of_run({}, TOPIC, LEDGER_TOPIC, RUN, most=MOST)
        assert progress.omitted > 0.4 * size
        begun = max(chains_of_run({}, TOPIC, RUN)) + 1
        assert abs(moments - schedule(0, 500))[:begun].max() <= 1
        assert set(moments[begun:]) <= {moments[begun - 1]}

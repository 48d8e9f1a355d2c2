"""Reading the ledger's minutes of all runs from a real topic."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from confluent_kafka import Producer

from include.sales.event import Venta
from include.sales.sums import Cell, Sums, sums_of
from include.stream.ledger import LedgerError, LedgerMinutes, encode, entries_for, read_minutes
from tests.support.place import PATIENCE, SEED, Place

NOON = datetime(2025, 11, 24, 12, tzinfo=UTC)
END = NOON + timedelta(minutes=2)
LONG_AFTER = datetime(9999, 1, 1, tzinfo=UTC)


def publish(place: Place, corrida: str, moments: Sequence[datetime]) -> list[Venta]:
    """Publish a run's next sales, which begin at these moments, in one transaction."""
    run = place._replace(corrida=corrida)
    with run.publisher() as publisher:
        first = publisher.open().last + 1
        sales = [run.source().chain(n, moment)[0] for n, moment in enumerate(moments, first)]
        publisher.commit(sales)
    return sales


def read(place: Place, *, settled: datetime = LONG_AFTER) -> LedgerMinutes:
    return read_minutes(place.config, place.ledger_topic, NOON, END, settled=settled)


def test_sales_of_every_run_are_summed_by_minute_and_state(place: Place) -> None:
    moments = [NOON + timedelta(seconds=9 * n) for n in range(-2, 16)]  # 11:59:42 to 12:02:15
    sales = [*publish(place, "mañana", moments[:9]), *publish(place, "tarde", moments)]
    # This entry is appended late, but it counts for its events' minute.
    sales += publish(place, "mañana", [NOON + timedelta(seconds=1)])

    found = read(place)

    expected: dict[Cell, Sums] = {}
    for sale in sales:
        if "2025-11-24T12:00" <= sale.ts < "2025-11-24T12:02":
            cell = Cell(sale.corrida, f"{sale.ts[:16]}:00Z", sale.estado)
            expected[cell] = expected.get(cell, Sums()) + sums_of(sale)
    assert found.sums == expected
    assert found.in_flight == set()


def test_only_minutes_with_recent_entries_are_in_flight(place: Place) -> None:
    publish(place, "mañana", [NOON, NOON + timedelta(minutes=1)])
    publish(place, "tarde", [NOON])
    between = datetime.now(UTC) + timedelta(milliseconds=5)
    while datetime.now(UTC) <= between:
        pass
    publish(place, "tarde", [NOON + timedelta(seconds=5), NOON + timedelta(minutes=9)])

    assert read(place, settled=between).in_flight == {("tarde", "2025-11-24T12:00:00Z")}


def test_aborted_entries_are_in_no_minute(place: Place) -> None:
    [kept] = publish(place, place.corrida, [NOON])
    [entry] = entries_for([kept], SEED)
    producer = place.holder()
    producer.init_transactions(PATIENCE)
    producer.begin_transaction()
    producer.produce(place.ledger_topic, encode(entry), place.corrida)
    assert producer.flush(PATIENCE) == 0
    producer.abort_transaction(PATIENCE)

    assert [sums.eventos for sums in read(place).sums.values()] == [1]


def test_malformed_ledger_record_is_reported_with_its_offset(place: Place) -> None:
    producer = Producer({**place.config, "acks": "all"})
    producer.produce(place.ledger_topic, b"{}", place.corrida)
    assert producer.flush(PATIENCE) == 0
    with pytest.raises(LedgerError, match=rf"offset 0 .*{place.corrida}"):
        read(place)

"""Injected faults of a transaction: the records that they add, and their counts in the ledger."""

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
import pytest

from include.sales.bulk import BulkEncoder, evenly
from include.sales.content import SaleSource
from include.sales.event import Venta, encode
from include.sales.faults import FATES, GARBLED, KINDS, FaultRates, Faults
from include.sales.market import load_market
from include.sales.random_numbers import BLOCK
from include.sales.sums import Sums, added
from include.stream.injection import Columns, Transaction, columns_of, inject
from include.stream.ledger import LedgerEntry, decode, entries_for, progress_of
from include.stream.ledger import encode as encode_entry
from include.stream.load import entries_of

SEED = 7
SOURCE = SaleSource(load_market(), SEED, "c1")
FAULTS = Faults(SEED, FaultRates(20, 10, 20, 30, 12, 8))
START = datetime(2026, 11, 24, 12, tzinfo=UTC)


def live(sales: range, faults: Faults = FAULTS) -> tuple[list[Venta], Transaction]:
    """Return some sales' events and the transaction that a live session would send for them."""
    events = [
        event
        for n in sales
        for event in SOURCE.chain(
            n, START + timedelta(seconds=n) - timedelta(milliseconds=faults.shift(n))
        )
    ]
    clean = Transaction(
        [event.id_venta for event in events],
        [encode(event) for event in events],
        entries_for(events, SEED),
    )
    return events, inject(faults, columns_of(events), clean)


def in_bulk(sales: range) -> Transaction:
    [batch] = BulkEncoder(SOURCE).blocks(sales, FAULTS.shifted(evenly(START, 1)))
    clean = Transaction(batch.keys, batch.values, entries_of(batch, SOURCE))
    return inject(FAULTS, Columns(batch.secuencia, batch.ts, batch.state), clean)


def read(values: list[bytes]) -> tuple[Counter[str], dict[tuple[str, str], Sums], Counter[str]]:
    """Read values as Druid does: times of each id, sums by (minute, state), garbled by kind."""
    ids: Counter[str] = Counter()
    sums: dict[tuple[str, str], Sums] = defaultdict(Sums)
    garbled: Counter[str] = Counter()
    for value in values:
        try:
            row = msgspec.json.decode(value)
        except UnicodeDecodeError:
            garbled["codificacion"] += 1
            continue
        except msgspec.DecodeError:
            garbled["truncado"] += 1
            continue
        if "ts" not in row:
            garbled["sin_ts"] += 1
            continue
        if row["cantidad"] == "una docena":
            garbled["tipo_erroneo"] += 1
            row["cantidad"] = 0
        elif row["importe_centavos"] == 10**12:
            garbled["importe_absurdo"] += 1
        ids[row["id_evento"]] += 1
        sums[f"{row['ts'][:16]}:00Z", row["estado"]] += Sums(
            1,
            row["cantidad"],
            row["importe_centavos"],
            row["iva_centavos"],
            row["descuento_centavos"],
        )
    return ids, dict(sums), garbled


def test_ledger_counts_exactly_the_records_sent() -> None:
    events, (keys, values, entries) = live(range(400))
    ids, sums, garbled = read(list(values))

    progress = progress_of("c1", entries)
    counted = progress.faults
    assert {kind: counted[kind] for kind in GARBLED} == garbled
    assert counted["duplicado"] == sum(times - 1 for times in ids.values()) > 50
    assert set(counted) == set(KINDS)
    assert (progress.sales, progress.total.eventos) == (400, len(events))
    assert progress.rows == ids.total()
    of_minutes = {
        (entry.minuto, state): totals
        for entry in entries
        for state, totals in added(entry.estados, entry.de_mas).items()
    }
    assert of_minutes == sums
    assert len(keys) == len(values)
    assert len(values) == ids.total() + sum(
        garbled[kind] for kind, fate in FATES.items() if fate == "unparseable"
    )


def test_original_events_keep_their_order_and_keys() -> None:
    events, (keys, values, _) = live(range(100))
    proper = {encode(event): event.id_venta for event in events}
    kept = [(value, key) for key, value in zip(keys, values, strict=True) if value in proper]
    assert list(dict.fromkeys(kept)) == list(proper.items())
    of_sale = {event.id_evento: event.id_venta for event in events}
    for key, value in zip(keys, values, strict=True):
        if value not in proper and value.endswith(b"}") and b"\xff" not in value:
            assert of_sale[msgspec.json.decode(value)["id_evento"].removesuffix("x")] == key


def test_a_load_sends_the_bytes_and_entries_that_a_session_would() -> None:
    _, expected = live(range(300, 700))
    found = in_bulk(range(300, 700))
    assert (list(found.keys), list(found.values)) == (expected.keys, expected.values)
    assert tuple(found.entries) == tuple(expected.entries)


def test_records_sent_do_not_depend_on_transaction_boundaries() -> None:
    whole = in_bulk(range(BLOCK - 600, BLOCK))
    parts = [in_bulk(range(first, first + 150)) for first in range(BLOCK - 600, BLOCK, 150)]
    assert [value for part in parts for value in part.values] == list(whole.values)
    split, once = (
        progress_of("c1", entries, range(BLOCK - 600, BLOCK))
        for entries in ([e for part in parts for e in part.entries], whole.entries)
    )
    assert split == once


def test_keys_bytes_and_entries_without_faults_are_unchanged() -> None:
    events, found = live(range(50), Faults(SEED, FaultRates()))
    assert found.values == [encode(event) for event in events]
    assert tuple(found.entries) == entries_for(events, SEED)
    assert b"fallas" not in encode_entry(found.entries[0])


def test_an_entry_survives_its_json_and_an_old_one_has_no_faults() -> None:
    _, (_, _, entries) = live(range(30))
    assert [decode(encode_entry(entry)) for entry in entries] == list(entries)
    old = decode(
        b'{"corrida":"c1","semilla":7,"desde":0,"hasta":0,"minuto":"2026-11-24T12:00:00Z",'
        b'"primera_ts":"2026-11-24T12:00:00.000Z","ultima_ts":"2026-11-24T12:00:00.000Z",'
        b'"estados":{}}'
    )
    assert isinstance(old, LedgerEntry)
    assert (old.fallas, old.de_mas) == ({}, {})


@pytest.mark.parametrize("rates", [FaultRates(duplicado=1), FaultRates(tardio=1)])
def test_transaction_without_faults_is_returned_unchanged(rates: FaultRates) -> None:
    clean = Transaction(["k"], [b"{}"], [])
    columns = Columns(*(np.zeros(1, dtype=np.int64) for _ in range(3)))
    faults = Faults(1, rates)
    assert not faults.marks(columns.secuencia, columns.state).any()
    assert inject(faults, columns, clean) is clean

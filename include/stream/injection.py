"""Inject faults into a transaction: add faulty records, and count them in the ledger entries."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec
import numpy as np

from include.sales.event import ESTADOS, Venta, decode
from include.sales.faults import ABSURD_CENTAVOS, FLAG, GARBLED, Faults, garble
from include.sales.local_time import epoch_ms
from include.sales.random_numbers import Ints
from include.sales.sums import Sums, added, sums_of
from include.stream.ledger import LedgerEntry

_MINUTE_MS = 60_000

_BESIDE = FLAG["duplicado"] | sum(FLAG[kind] for kind in GARBLED)
"""Bits of the kinds of fault that add records."""


class Columns(NamedTuple):
    """The columns that a transaction's faults depend on, with one row per event."""

    secuencia: Ints
    ts: Ints
    """Epoch milliseconds."""
    state: Ints
    """Positions in `ESTADOS`."""


class Transaction(NamedTuple):
    """Records to publish together with the ledger entries that sum them exactly."""

    keys: Sequence[str]
    values: Sequence[bytes]
    entries: Sequence[LedgerEntry]


def columns_of(events: Sequence[Venta]) -> Columns:
    return Columns(
        np.array([event.secuencia for event in events], dtype=np.int64),
        np.array([_ms(event.ts) for event in events], dtype=np.int64),
        np.array([ESTADOS.index(event.estado) for event in events], dtype=np.int64),
    )


def inject(faults: Faults, columns: Columns, clean: Transaction) -> Transaction:
    """Return the transaction with its faults added; the original records do not change.

    For speed, only events with a fault are decoded. A garbled copy comes right before its event,
    a duplicate right after it.
    """
    marks = faults.marks(columns.secuencia, columns.state)
    if not marks.any():
        return clean
    minutes = columns.ts // _MINUTE_MS
    extra: dict[int, dict[str, Sums]] = defaultdict(dict)
    keys: list[str] = []
    values: list[bytes] = []
    done = 0
    hit = np.flatnonzero(marks & _BESIDE)
    for row, mark, minute in zip(
        hit.tolist(), marks[hit].tolist(), minutes[hit].tolist(), strict=True
    ):
        keys += clean.keys[done:row]
        values += clean.values[done:row]
        done = row + 1
        event = decode(clean.values[row])
        before = [garble(kind, clean.values[row]) for kind in GARBLED if mark & FLAG[kind]]
        repeated = bool(mark & FLAG["duplicado"])
        values += [*before, *[clean.values[row]] * (1 + repeated)]
        keys += [clean.keys[row]] * (len(before) + 1 + repeated)
        for sums in _rows(mark, event):
            extra[minute] = added(extra[minute], {event.estado: sums})
    keys += clean.keys[done:]
    values += clean.values[done:]

    counts: dict[int, Counter[str]] = defaultdict(Counter)
    for kind, flag in FLAG.items():
        of_kind = minutes[(marks & flag) > 0]
        for minute, count in zip(*np.unique(of_kind, return_counts=True), strict=True):
            counts[int(minute)][kind] = int(count)
    entries = []
    for entry in clean.entries:
        minute = _ms(entry.minuto) // _MINUTE_MS
        entries.append(
            msgspec.structs.replace(
                entry, fallas=dict(counts[minute]), de_mas=extra.get(minute, {})
            )
        )
    return Transaction(keys, values, entries)


def _ms(ts: str) -> int:
    return epoch_ms(datetime.fromisoformat(ts))


def _rows(mark: int, event: Venta) -> list[Sums]:
    """Return the sums of the extra rows that Druid will hold because of an event's faults."""
    proper = sums_of(event)
    rows = []
    if mark & FLAG["duplicado"]:
        rows.append(proper)
    if mark & FLAG["tipo_erroneo"]:
        rows.append(msgspec.structs.replace(proper, unidades=0))
    if mark & FLAG["importe_absurdo"]:
        rows.append(msgspec.structs.replace(proper, importe_centavos=ABSURD_CENTAVOS))
    return rows

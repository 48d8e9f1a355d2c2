"""Records that are no events: counted or passed over, and nothing else is lost for them."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from include.sales.content import SaleSource
from include.sales.event import encode
from include.sales.market import load_market
from include.stream import reader
from include.stream.reader import Record, chains_of_run, ids_of_run

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
EVENTS = SaleSource(load_market(), 7, "c1").chain(0, NOON)
SALE = encode(EVENTS[0])

NO_EVENTS = [
    None,
    b"",
    b"null",
    b"\xff",
    SALE[:50],
    SALE.replace(b'"c1"', b'"c\xff"'),
    SALE.replace(b"2026-11-24T12:00:00.000Z", b"ma\xc3\xb1ana"),
    SALE.replace(b'"secuencia":0', b'"secuencia":[0]'),
    b"[" * 100_000,
]


def holds(monkeypatch: pytest.MonkeyPatch, values: Sequence[bytes | None]) -> None:
    records = [Record(0, offset, 0, b"v1", value) for offset, value in enumerate(values)]
    monkeypatch.setattr(reader, "read_committed", lambda *_, **__: records)


@pytest.mark.parametrize("garbage", [None, b"", b"null", b"\xff", SALE[:50], b"[" * 100_000])
def test_what_is_no_event_is_counted_by_its_key(
    garbage: bytes | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    holds(monkeypatch, [garbage, SALE, garbage, SALE])
    found = ids_of_run({}, "t", "c1", key_prefix="v")
    assert (found.times, found.malformed) == ({EVENTS[0].id_evento: 2}, 2)
    assert ids_of_run({}, "t", "c1", key_prefix="w").malformed == 0


@pytest.mark.parametrize("garbage", NO_EVENTS)
def test_a_chain_is_read_past_what_is_no_event(
    garbage: bytes | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    holds(monkeypatch, [garbage, *(encode(event) for event in EVENTS), garbage])
    assert chains_of_run({}, "t", "c1") == {0: (NOON, len(EVENTS))}

"""Showing the latest records, also malformed and hostile ones."""

import json
from typing import Any

import msgspec
import pytest

from include.sales.content import SaleSource
from include.sales.event import encode
from include.sales.market import load_market
from include.stream import tail
from include.stream.reader import Record
from tests.support.hostile_events import hostile_records
from tests.unit.stream.test_ledger import START

SOURCE = SaleSource(load_market(), 7, "c1")


def seen(value: bytes | None, key: bytes | None = b"k") -> tail.Seen:
    return tail._seen(Record(0, 17, 0, key, value))


def test_every_hostile_record_is_shown_cut_and_as_json() -> None:
    records = hostile_records(lambda n: SOURCE.chain(n, START)[0], START)
    assert len(records) > 60
    for record in records:
        shown = seen(record.value, record.key)
        text = msgspec.json.encode(shown._asdict())
        assert len(text) < 30_000, record.name
        assert json.loads(text)["offset"] == 17
        assert shown.event or shown.problem, record.name
        assert all(sign.isprintable() for sign in (shown.text + shown.key + shown.problem))


def test_long_texts_of_an_event_are_cut() -> None:
    [event, *_] = SOURCE.chain(0, START)
    long = msgspec.structs.replace(event, producto="ñ" * 500_000, id_evento="x" * 400_000)
    found = seen(encode(long)).event
    assert found
    assert (len(found.producto), len(found.id_evento)) == (200, 200)
    assert msgspec.structs.replace(found, producto="", id_evento="") == msgspec.structs.replace(
        event, producto="", id_evento=""
    )


def test_event_that_cannot_be_shown_is_reported_and_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any) -> Any:
        raise ZeroDivisionError("for a test")

    monkeypatch.setattr(tail, "_shortened", broken)
    shown = seen(encode(SOURCE.chain(0, START)[0]))
    assert (shown.event, shown.problem) == (None, "ZeroDivisionError('for a test')")
    assert "The record at offset 17 of partition 0 cannot be shown" in caplog.text

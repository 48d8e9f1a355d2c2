"""Records that are no events: counted or passed over, and nothing else is lost for them."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest
from confluent_kafka import KafkaError, TopicPartition
from confluent_kafka.admin import OffsetSpec

from include.sales.content import SaleSource
from include.sales.event import encode
from include.sales.market import load_market
from include.stream import reader
from include.stream.errors import KafkaRefusedError, KafkaUnreachableError
from include.stream.reader import (
    ReadStalledError,
    Record,
    chains_of_run,
    ids_of_run,
    offsets_of,
    read_committed,
)
from include.stream.topics import Admin

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


class LedAnew:
    """An administrative client of a broker that leads its partition anew at the first request."""

    def __init__(self, code: int) -> None:
        self.code, self.requests = code, 0

    def list_offsets(self, wanted: dict[TopicPartition, OffsetSpec], **_: Any) -> dict[Any, Any]:
        self.requests += 1
        return dict.fromkeys(wanted)

    def wait_for(self, _future: None, what: str, _timeout: float) -> Any:
        if self.requests == 1:
            raise KafkaRefusedError({"bootstrap.servers": "kafka"}, what, KafkaError(self.code))
        return SimpleNamespace(offset=7)


def test_offsets_of_a_partition_that_is_led_anew_are_asked_for_again() -> None:
    admin = LedAnew(KafkaError.UNKNOWN_LEADER_EPOCH)
    partitions = [TopicPartition("t", 0)]
    assert reader._offsets(cast(Admin, admin), partitions, OffsetSpec.latest(), 1) == {0: 7}
    assert admin.requests == 2


def test_a_refusal_to_tell_offsets_is_not_asked_about_again() -> None:
    admin = LedAnew(KafkaError.TOPIC_AUTHORIZATION_FAILED)
    with pytest.raises(KafkaRefusedError):
        reader._offsets(cast(Admin, admin), [TopicPartition("t", 0)], OffsetSpec.latest(), 1)
    assert admin.requests == 1


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


NOWHERE = {"bootstrap.servers": "127.0.0.1:1"}


def test_a_broker_that_is_away_is_given_up_within_the_time_that_there_is() -> None:
    began = time.monotonic()
    with pytest.raises(KafkaUnreachableError):
        list(read_committed(NOWHERE, "t", time_limit=0.5))
    with pytest.raises(KafkaUnreachableError):
        offsets_of(NOWHERE, "t", timeout=0.5)
    assert time.monotonic() - began < 10


class Endless:
    """A consumer of a partition that goes on for ever: each record is another than the last."""

    def __init__(self, _: object) -> None:
        self.place = -1

    def assign(self, _: object) -> None:
        """Nothing to do."""

    def poll(self, _: float) -> "Endless":
        time.sleep(0.001)
        self.place += 1
        return self

    def error(self) -> None:
        """There is none."""

    def partition(self) -> int:
        return 0

    def offset(self) -> int:
        return self.place

    def timestamp(self) -> tuple[int, int]:
        return 0, 0

    def key(self) -> bytes:
        return b""

    value = key

    def close(self) -> None:
        """Nothing to do."""


def test_a_topic_that_is_too_long_to_read_in_time_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "Consumer", Endless)
    monkeypatch.setattr(reader, "_partitions", lambda *_: [])
    ends = iter([{0: 0}, {0: 10**9}])
    monkeypatch.setattr(reader, "_offsets", lambda *_: next(ends))
    with pytest.raises(ReadStalledError, match="takes longer than it may"):
        list(read_committed(NOWHERE, "t", time_limit=0.2))

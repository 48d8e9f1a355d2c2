"""Reading a topic: malformed records are counted or skipped; retries, time limits."""

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
    IDLE_TIMEOUT,
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
    """Stand-in for an administrative client whose requests fail with `code`.

    They do so until it learns the new leader, as librdkafka's client does.
    """

    def __init__(self, code: int) -> None:
        self.code, self.requests, self.knows = code, 0, False

    def list_topics(self, topic: str, **_: Any) -> None:
        self.knows = topic == "t"

    def list_offsets(self, wanted: dict[TopicPartition, OffsetSpec], **_: Any) -> dict[Any, Any]:
        self.requests += 1
        return dict.fromkeys(wanted)

    def wait_for(self, _future: None, what: str, _timeout: float) -> Any:
        if not self.knows:
            raise KafkaRefusedError({"bootstrap.servers": "kafka"}, what, KafkaError(self.code))
        return SimpleNamespace(offset=7)


@pytest.mark.parametrize(
    "code",
    [
        KafkaError.UNKNOWN_LEADER_EPOCH,
        KafkaError.FENCED_LEADER_EPOCH,
        KafkaError.OFFSET_NOT_AVAILABLE,
        KafkaError._NOENT,
    ],
)
def test_offsets_request_is_retried_with_the_new_leader(code: int) -> None:
    admin = LedAnew(code)
    partitions = [TopicPartition("t", 0)]
    assert reader._offsets(cast(Admin, admin), partitions, OffsetSpec.latest(), 1) == {0: 7}
    assert admin.requests == 2


def test_refused_offsets_request_is_not_retried() -> None:
    admin = LedAnew(KafkaError.TOPIC_AUTHORIZATION_FAILED)
    with pytest.raises(KafkaRefusedError):
        reader._offsets(cast(Admin, admin), [TopicPartition("t", 0)], OffsetSpec.latest(), 1)
    assert admin.requests == 1


def holds(monkeypatch: pytest.MonkeyPatch, values: Sequence[bytes | None]) -> None:
    records = [Record(0, offset, 0, b"v1", value) for offset, value in enumerate(values)]
    monkeypatch.setattr(reader, "read_committed", lambda *_, **__: records)


@pytest.mark.parametrize("garbage", [None, b"", b"null", b"\xff", SALE[:50], b"[" * 100_000])
def test_malformed_records_are_counted_by_key_prefix(
    garbage: bytes | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    holds(monkeypatch, [garbage, SALE, garbage, SALE])
    found = ids_of_run({}, "t", "c1", key_prefix="v")
    assert (found.times, found.malformed) == ({EVENTS[0].id_evento: 2}, 2)
    assert ids_of_run({}, "t", "c1", key_prefix="w").malformed == 0


@pytest.mark.parametrize("garbage", NO_EVENTS)
def test_malformed_records_are_skipped_when_reading_chains(
    garbage: bytes | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    holds(monkeypatch, [garbage, *(encode(event) for event in EVENTS), garbage])
    assert chains_of_run({}, "t", "c1") == {0: (NOON, len(EVENTS))}


def test_timestamp_that_an_old_leader_does_not_know_reads_to_the_proven_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = iter([{0: 3, 1: 0}, {0: -1, 1: 7}])
    monkeypatch.setattr(reader, "_partitions", lambda *_: [TopicPartition("t", n) for n in (0, 1)])
    monkeypatch.setattr(reader, "_offsets", lambda *_: next(answers))
    places: list[dict[int, int]] = []
    monkeypatch.setattr(reader, "consume", lambda _, __, *given: places.extend(given[:2]))

    read_committed(
        NOWHERE, "t", since=NOON, proven_ends=lambda partitions: dict.fromkeys(partitions, 7)
    )

    assert places == [{0: 3, 1: 7}, {0: 7}]


NOWHERE = {"bootstrap.servers": "127.0.0.1:1"}


def test_read_from_an_absent_broker_ends_within_its_time_limit() -> None:
    began = time.monotonic()
    with pytest.raises(KafkaUnreachableError):
        list(read_committed(NOWHERE, "t", time_limit=0.5))
    with pytest.raises(KafkaUnreachableError):
        offsets_of(NOWHERE, "t", timeout=0.5)
    assert time.monotonic() - began < IDLE_TIMEOUT, "the default of one read"


class Endless:
    """Stand-in for a consumer of a partition without end: each poll gives the next record."""

    def __init__(self, _: object) -> None:
        self.place = -1

    def assign(self, _: object) -> None:
        """Nothing to do."""

    def poll(self, _: float) -> "Endless":
        time.sleep(0.001)
        self.place += 1
        return self

    def error(self) -> None:
        """Return no error."""

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


def test_read_that_exceeds_its_time_limit_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "Consumer", Endless)
    monkeypatch.setattr(reader, "_partitions", lambda *_: [])
    ends = iter([{0: 0}, {0: 10**9}])
    monkeypatch.setattr(reader, "_offsets", lambda *_: next(ends))
    with pytest.raises(ReadStalledError, match="did not end before its deadline"):
        list(read_committed(NOWHERE, "t", time_limit=0.2))

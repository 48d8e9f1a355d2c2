"""Read a topic's committed records once, up to its end at the time of the call."""

import math
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any, NamedTuple, cast

import msgspec
from confluent_kafka import Consumer, IsolationLevel, KafkaError, TopicPartition
from confluent_kafka.admin import OffsetSpec
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_fixed

from include.sales.event import decode_json
from include.sales.faults import COPY
from include.stream.errors import KafkaRefusedError, StreamError
from include.stream.topics import Admin, describe_topic

IDLE_TIMEOUT = 30.0
"""Seconds without a record after which a read that has not reached the end is given up."""

_POLL = 0.2
_EOF = KafkaError._PARTITION_EOF

#: A broker that comes back, or whose topic was created just now, leads its partitions anew, and for
#: a moment not all know so, itself included.
_LED_ANEW = (
    KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError.FENCED_LEADER_EPOCH,
    KafkaError.UNKNOWN_LEADER_EPOCH,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.NOT_LEADER_FOR_PARTITION,
)


class Record(NamedTuple):
    """A committed record; `timestamp` is Kafka's, in milliseconds since the epoch."""

    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


class Offsets(NamedTuple):
    """What a partition holds: the offset of its first record, and the one after its last."""

    start: int
    end: int


class RunIds(NamedTuple):
    """The events of a run as a topic holds them."""

    times: Counter[str]
    """How often each `id_evento` is there."""
    malformed: int
    """Records that are no event, of any run or under some keys."""


class ReadStalledError(StreamError):
    """The end of the topic was not reached: the broker is gone, or a transaction stays open."""


def read_committed(
    config: Mapping[str, Any],
    topic: str,
    *,
    since: datetime | None = None,
    idle_timeout: float = IDLE_TIMEOUT,
    time_limit: float | None = None,
) -> Iterator[Record]:
    """Yield the records of committed transactions, from all partitions, in each one's order.

    It starts at the first record whose Kafka timestamp is `since` or later (None: at the topic's
    beginning) and ends where the topic ended at the call. The end is the high watermark, not the
    last stable offset: a transaction that is open at the call is waited for, so nothing committed
    before the call is missed. No consumer group is joined and no offset is stored.

    A topic that was created a moment ago is waited for, as in `describe_topic`. Raises
    `TopicMissingError`, `KafkaUnreachableError`, or `ReadStalledError` after `idle_timeout` seconds
    without progress, or `time_limit` seconds in all.
    """
    deadline = math.inf if time_limit is None else time.monotonic() + time_limit
    patience = min(IDLE_TIMEOUT, time_limit or IDLE_TIMEOUT)
    admin = Admin(config)
    partitions = _partitions(admin, topic, patience)
    starts = _offsets(admin, partitions, OffsetSpec.earliest(), patience)
    ends = _offsets(admin, partitions, OffsetSpec.latest(), patience)
    if since is not None:
        young = OffsetSpec.for_timestamp(int(since.timestamp() * 1000))
        at = _offsets(admin, partitions, young, patience)
        # Kafka answers -1 where no record is that young.
        starts = {
            partition: ends[partition] if at[partition] < 0 else at[partition] for partition in at
        }
    pending = {partition: end for partition, end in ends.items() if starts[partition] < end}
    return consume(config, topic, starts, pending, idle_timeout, deadline)


def offsets_of(
    config: Mapping[str, Any],
    topic: str,
    *,
    isolation: IsolationLevel = IsolationLevel.READ_UNCOMMITTED,
    timeout: float = IDLE_TIMEOUT,
) -> dict[int, Offsets]:
    """What each partition holds now; with READ_COMMITTED, it ends before an open transaction.

    `timeout` is in seconds, for each of three requests. Raises `TopicMissingError`,
    `KafkaUnreachableError`.
    """
    admin = Admin(config)
    partitions = _partitions(admin, topic, timeout)
    starts, ends = (
        _offsets(admin, partitions, spec, timeout, isolation)
        for spec in (OffsetSpec.earliest(), OffsetSpec.latest())
    )
    return {partition: Offsets(start, ends[partition]) for partition, start in starts.items()}


def ids_of_run(
    config: Mapping[str, Any],
    topic: str,
    corrida: str,
    *,
    since: datetime | None = None,
    key_prefix: str = "",
) -> RunIds:
    """Count the committed events of a run by `id_evento`; `since` as in `read_committed`.

    What is no event is counted, not refused: whether it matters is the caller's to say. Of what
    run it was, only its key can tell: with a `key_prefix`, others are passed over.
    """
    prefix = key_prefix.encode()
    times: Counter[str] = Counter()
    malformed = 0
    decoder = msgspec.json.Decoder(_Identity)
    for record in read_committed(config, topic, since=since):
        try:
            event = decode_json(decoder, record.value or b"")
        except msgspec.DecodeError:
            malformed += (record.key or b"").startswith(prefix)
        else:
            if event.corrida == corrida:
                times[event.id_evento] += 1
    return RunIds(times, malformed)


def chains_of_run(
    config: Mapping[str, Any], topic: str, corrida: str, *, since: datetime | None = None
) -> dict[int, tuple[datetime, int]]:
    """By `secuencia`, when each sale of a run began and how many of its steps are committed.

    `since` as in `read_committed`. What is no event is passed over, and so is one that is there
    again and a garbled copy of one.
    """
    chains: dict[int, tuple[datetime, int]] = {}
    seen: set[str] = set()
    decoder = msgspec.json.Decoder(_Step)
    for record in read_committed(config, topic, since=since):
        try:
            step = decode_json(decoder, record.value or b"")
        except msgspec.DecodeError:
            continue
        if step.corrida == corrida and not step.id_evento.endswith(COPY):
            if step.id_evento in seen:
                continue
            seen.add(step.id_evento)
            began, steps = chains.get(step.secuencia, (step.ts, 0))
            chains[step.secuencia] = min(began, step.ts), steps + 1
    return chains


class _Step(msgspec.Struct):
    """The fields that say which sale's beginning or step a record is; the rest is skipped."""

    id_evento: str
    corrida: str
    secuencia: int
    ts: Annotated[datetime, msgspec.Meta(tz=True)]


class _Identity(msgspec.Struct):
    """The fields without which a record is no event of any run; the rest is skipped."""

    id_evento: str
    corrida: str
    ts: str


def _partitions(admin: Admin, topic: str, timeout: float) -> list[TopicPartition]:
    described = describe_topic(admin, topic, timeout).partitions
    return [TopicPartition(topic, partition.id) for partition in described]


def _is_led_anew(error: BaseException) -> bool:
    return isinstance(error, KafkaRefusedError) and error.code in _LED_ANEW


def _offsets(
    admin: Admin,
    partitions: list[TopicPartition],
    spec: OffsetSpec,
    timeout: float,
    isolation: IsolationLevel = IsolationLevel.READ_UNCOMMITTED,
) -> dict[int, int]:
    """List an offset of each partition; one that is led anew is asked again for `timeout` s."""
    retrying = Retrying(
        retry=retry_if_exception(_is_led_anew),
        wait=wait_fixed(_POLL),
        stop=stop_after_delay(timeout),
        reraise=True,
    )
    return retrying(_list_offsets, admin, partitions, spec, timeout, isolation)


def _list_offsets(
    admin: Admin,
    partitions: list[TopicPartition],
    spec: OffsetSpec,
    timeout: float,
    isolation: IsolationLevel,
) -> dict[int, int]:
    listed = admin.list_offsets(
        dict.fromkeys(partitions, spec), isolation_level=isolation, request_timeout=timeout
    )
    return {
        partition.partition: admin.wait_for(future, "list offsets", timeout).offset
        for partition, future in listed.items()
    }


def consume(
    config: Mapping[str, Any],
    topic: str,
    starts: dict[int, int],
    pending: dict[int, int],
    idle_timeout: float,
    deadline: float = math.inf,
) -> Iterator[Record]:
    """Yield the committed records from `starts` to before the end offsets in `pending`.

    It empties `pending` as partitions end. Raises `ReadStalledError` after `idle_timeout` seconds
    without progress, or past the `deadline` of the monotonic clock.
    """
    if not pending:
        return
    consumer = Consumer(
        {
            "group.id": "ventas.reader",  # required by the client; no group is joined
            **config,
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            # The last offset of a transaction is its commit marker, which is no record: only the
            # end-of-partition event tells that the position is past it.
            "enable.partition.eof": True,
            "auto.offset.reset": "error",
            "fetch.wait.max.ms": 50,  # the broker holds back the answer at the end for so long
        }
    )
    try:
        consumer.assign([TopicPartition(topic, each, starts[each]) for each in pending])
        idle_since = time.monotonic()
        while pending:
            if time.monotonic() > deadline:
                raise ReadStalledError(
                    f"reading {topic!r} from {config['bootstrap.servers']} takes longer than it "
                    "may: read less of it, or allow it more time"
                )
            message = consumer.poll(_POLL)
            if message is None:
                if time.monotonic() - idle_since > idle_timeout:
                    raise ReadStalledError(
                        f"reading {topic!r} from {config['bootstrap.servers']} made no progress "
                        f"for {idle_timeout:.1f} s, partitions {sorted(pending)} are not at their "
                        "end: check that the broker runs and that no transaction stays open"
                    )
                continue
            error = message.error()
            if error is not None and error.code() != _EOF:
                raise KafkaRefusedError(config, f"read the topic {topic!r}", error)
            partition, offset = cast(int, message.partition()), cast(int, message.offset())
            end = pending.get(partition)
            if end is None:
                continue
            if error is None and offset < end:
                yield Record(
                    partition, offset, message.timestamp()[1], message.key(), message.value()
                )
                offset += 1
            if offset >= end:
                del pending[partition]
            idle_since = time.monotonic()
    finally:
        consumer.close()

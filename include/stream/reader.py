"""Read a topic's committed records once, up to the topic's end at the time of the call."""

import math
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Any, NamedTuple, cast

import msgspec
from confluent_kafka import Consumer, IsolationLevel, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import OffsetSpec
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_delay, wait_fixed

from include.names import READER_GROUP
from include.sales.event import decode_json
from include.sales.faults import COPY
from include.stream.errors import KafkaRefusedError, StreamError
from include.stream.topics import Admin, describe_topic

IDLE_TIMEOUT = 30.0
"""Seconds without progress after which a read is given up."""

ProvenEnds = Callable[[Sequence[int]], Mapping[int, int]]
"""Returns the ends of some partitions of a topic, as `TransactionalProducer.ends` does."""

_POLL = 0.2
_METADATA_MS = 1000
"""Milliseconds after which a read asks again who leads: an old leader does not say that it is."""

_EOF = KafkaError._PARTITION_EOF

#: Errors of a partition with a new leader. After a broker's return, or the creation of a topic, not
#: every broker knows the new leader at once; even the leader itself may not know.
_NEW_LEADER = (
    KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError.FENCED_LEADER_EPOCH,
    KafkaError.UNKNOWN_LEADER_EPOCH,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.OFFSET_NOT_AVAILABLE,
    # The client itself knows no leader: the partition has none at this moment.
    KafkaError._NOENT,
)


class Record(NamedTuple):
    """A committed record; `timestamp` is Kafka's, in milliseconds since the epoch."""

    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


class Offsets(NamedTuple):
    """Offsets of a partition's first record and of its end, which is after its last record."""

    start: int
    end: int


class RunIds(NamedTuple):
    """The events of a run in a topic."""

    times: Counter[str]
    """Number of records with each `id_evento`."""
    malformed: int
    """Number of malformed records: of any run, or only under the keys that were asked for."""


class ReadStalledError(StreamError):
    """The read did not reach the topic's end: no progress, or its time limit is over."""


def read_committed(
    config: Mapping[str, Any],
    topic: str,
    *,
    since: datetime | None = None,
    proven_ends: ProvenEnds | None = None,
    idle_timeout: float = IDLE_TIMEOUT,
    time_limit: float | None = None,
) -> Iterator[Record]:
    """Yield the committed records of all partitions; each partition's records are in offset order.

    The read starts at the first record whose Kafka timestamp is `since` or later (None: at the
    topic's beginning) and ends where the topic ended at the call. The end is the high watermark,
    not the last stable offset: the read waits for a transaction that is open at the call, so it
    misses nothing that was committed before the call. It joins no consumer group and stores no
    offset.

    With `proven_ends`, the read ends there, and waits for leaders that have the records up to
    there. Without them, the reader takes an isolated broker's word for the end, and may miss the
    last records.

    A topic that was created a moment ago is waited for, as in `describe_topic`. Raises
    `TopicMissingError`, `KafkaUnreachableError`, or `ReadStalledError` after `idle_timeout` seconds
    without progress or `time_limit` seconds in all.
    """
    deadline = math.inf if time_limit is None else time.monotonic() + time_limit
    patience = min(IDLE_TIMEOUT, time_limit or IDLE_TIMEOUT)
    admin = Admin(config)
    partitions = _partitions(admin, topic, patience)
    starts = _offsets(admin, partitions, OffsetSpec.earliest(), patience)
    ends: Mapping[int, int] = (
        proven_ends([each.partition for each in partitions])
        if proven_ends
        else _offsets(admin, partitions, OffsetSpec.latest(), patience)
    )
    if since is not None:
        young = OffsetSpec.for_timestamp(int(since.timestamp() * 1000))
        at = _offsets(admin, partitions, young, patience)
        # Kafka answers -1 for a partition without a record of that timestamp or later. An isolated
        # broker answers so, too, if it lacks the last records: only without proven ends is it sure
        # enough that nothing is to be read.
        otherwise = starts if proven_ends else ends
        starts = {
            partition: otherwise[partition] if found < 0 else found
            for partition, found in at.items()
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
    """Return each partition's offsets; with READ_COMMITTED, the end is before open transactions.

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

    Malformed records are counted, not refused: the caller decides whether they matter. Only the
    key of a malformed record can say which run sent it: with a `key_prefix`, only malformed
    records under such keys are counted.
    """
    prefix = key_prefix.encode()
    times: Counter[str] = Counter()
    malformed = 0
    decoder = msgspec.json.Decoder(Identity)
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
    config: Mapping[str, Any],
    topic: str,
    corrida: str,
    *,
    since: datetime | None = None,
    proven_ends: ProvenEnds | None = None,
    time_limit: float | None = None,
) -> dict[int, tuple[datetime, int]]:
    """Return by `secuencia` when each sale of a run began and how many of its steps are committed.

    `since`, `proven_ends` and `time_limit` as in `read_committed`. Malformed records, duplicates
    and garbled copies are skipped.
    """
    chains: dict[int, tuple[datetime, int]] = {}
    seen: set[str] = set()
    decoder = msgspec.json.Decoder(_Step)
    for record in read_committed(
        config, topic, since=since, proven_ends=proven_ends, time_limit=time_limit
    ):
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
    """The fields that identify a step of a sale; msgspec skips the other fields."""

    id_evento: str
    corrida: str
    secuencia: int
    ts: Annotated[datetime, msgspec.Meta(tz=True)]


class Identity(msgspec.Struct):
    """The fields that every event must have; msgspec skips the other fields."""

    id_evento: str
    corrida: str
    ts: str


def _partitions(admin: Admin, topic: str, timeout: float) -> list[TopicPartition]:
    described = describe_topic(admin, topic, timeout).partitions
    return [TopicPartition(topic, partition.id) for partition in described]


def _has_new_leader(error: BaseException) -> bool:
    return isinstance(error, KafkaRefusedError) and error.code in _NEW_LEADER


def _offsets(
    admin: Admin,
    partitions: list[TopicPartition],
    spec: OffsetSpec,
    timeout: float,
    isolation: IsolationLevel = IsolationLevel.READ_UNCOMMITTED,
) -> dict[int, int]:
    """List an offset of each partition; retry for `timeout` s while a new leader is not known.

    The client would ask the leader that it knows again and again, so it must learn the new one.
    """

    def learn_leaders(_: RetryCallState) -> None:
        with suppress(KafkaException):
            admin.list_topics(partitions[0].topic, timeout=timeout)

    retrying = Retrying(
        retry=retry_if_exception(_has_new_leader),
        before_sleep=learn_leaders,
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


def _is_ahead(error: KafkaError | None) -> bool:
    """Whether the read's position is not in the log that the broker has: an old leader may lag."""
    return error is not None and error.code() == KafkaError._AUTO_OFFSET_RESET


def consume(
    config: Mapping[str, Any],
    topic: str,
    starts: dict[int, int],
    pending: dict[int, int],
    idle_timeout: float,
    deadline: float = math.inf,
) -> Iterator[Record]:
    """Yield the committed records from the offsets in `starts` to before the ends in `pending`.

    A partition is removed from `pending` once it is read to its end. Raises `ReadStalledError`
    after `idle_timeout` seconds without progress, or past the `deadline`, which is a time of the
    monotonic clock.
    """
    if not pending:
        return
    consumer = Consumer(
        {
            "group.id": READER_GROUP,  # required by the client; no group is joined
            **config,
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            # The last offset of a transaction is its commit marker, which is not delivered as a
            # record: only the end-of-partition event shows that the position is past it.
            "enable.partition.eof": True,
            "auto.offset.reset": "error",
            "fetch.wait.max.ms": 50,  # the broker waits this long for new records at the end
            "topic.metadata.refresh.interval.ms": _METADATA_MS,
        }
    )
    positions = dict(starts)

    def places() -> list[TopicPartition]:
        return [TopicPartition(topic, each, positions[each]) for each in pending]

    try:
        consumer.assign(places())
        idle_since = time.monotonic()
        while pending:
            if time.monotonic() > deadline:
                raise ReadStalledError(
                    f"reading topic {topic!r} from {config['bootstrap.servers']} did not end "
                    "before its deadline: read fewer records, or allow more time"
                )
            message = consumer.poll(_POLL)
            if message is not None and _is_ahead(message.error()):
                time.sleep(_POLL)
                consumer.assign(places())
                message = None
            if message is None:
                if time.monotonic() - idle_since > idle_timeout:
                    raise ReadStalledError(
                        f"reading topic {topic!r} from {config['bootstrap.servers']} made no "
                        f"progress for {idle_timeout:.1f} s before the end of partitions "
                        f"{sorted(pending)}: check that the broker runs and that no transaction "
                        "stays open"
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
            positions[partition] = offset
            if offset >= end:
                del pending[partition]
            idle_since = time.monotonic()
    finally:
        consumer.close()

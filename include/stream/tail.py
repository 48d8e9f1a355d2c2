"""Read the latest committed records of a topic for people to look at, malformed ones included."""

import logging
import time
from collections import deque
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import msgspec
from confluent_kafka import IsolationLevel

from include.sales.event import Venta, decode
from include.stream.reader import Offsets, ReadStalledError, Record, consume, offsets_of
from include.texts import InputError, escaped

log = logging.getLogger(__name__)

MOST: Final = 200
"""Greatest number of records that can be asked for."""

SECONDS: Final = 5.0
"""Time limit of the whole read, in seconds."""

_LONGEST = 2_000
"""Number of characters that are shown of a malformed record."""

_LONGEST_FIELD = 200
"""Number of characters that are shown of each field of an event."""

#: Offsets to go back per record wanted: commit markers and aborted records take offsets too.
_OFFSETS_A_RECORD = 3


class Seen(NamedTuple):
    """A record: its `event` or, if it is malformed, its escaped `text` and the `problem`."""

    partition: int
    offset: int
    timestamp: int
    """Kafka's timestamp, in milliseconds since the epoch."""
    key: str
    event: Venta | None
    text: str = ""
    problem: str = ""


class Tail(NamedTuple):
    """The latest records, newest first; `complete` is False if the time limit ended the read."""

    records: list[Seen]
    complete: bool


def tail(config: Mapping[str, Any], topic: str, count: int, *, seconds: float = SECONDS) -> Tail:
    """Return the last `count` committed records over all partitions, by Kafka's timestamp.

    It does not wait for open transactions, joins no consumer group and stores no offset.

    Raises:
        InputError: `count` is not 1 to `MOST`.
        TopicMissingError: the topic does not exist.
        KafkaUnreachableError: no broker answers.
    """
    check_count(count)
    deadline = time.monotonic() + seconds
    # `offsets_of` makes three requests: a quarter of the time is left to read the records.
    held = offsets_of(config, topic, isolation=IsolationLevel.READ_COMMITTED, timeout=seconds / 4)
    back = count * _OFFSETS_A_RECORD
    while True:
        records, complete = _read(config, topic, held, back, count, deadline)
        lacking = any(
            len(records[partition]) < count and offsets.end - back > offsets.start
            for partition, offsets in held.items()
        )
        if not complete or not lacking:
            break
        back *= 4
    latest = sorted(
        (record for each in records.values() for record in each),
        key=lambda record: (record.timestamp, record.offset),
        reverse=True,
    )
    return Tail(latest[:count], complete)


def check_count(count: int) -> None:
    """Raise `InputError` for a number of records that is not 1 to `MOST`."""
    if not 1 <= count <= MOST:
        raise InputError("page_refusal.records", most=MOST, count=count)


def _read(
    config: Mapping[str, Any],
    topic: str,
    held: Mapping[int, Offsets],
    back: int,
    count: int,
    deadline: float,
) -> tuple[dict[int, deque[Seen]], bool]:
    """Return each partition's last `count` records within its last `back` offsets.

    The second value is whether there was time to read them all. Long texts of a record are cut at
    once, so large records do not fill the memory.
    """
    starts = {n: max(offsets.start, offsets.end - back) for n, offsets in held.items()}
    pending = {n: offsets.end for n, offsets in held.items() if starts[n] < offsets.end}
    records: dict[int, deque[Seen]] = {n: deque(maxlen=count) for n in held}
    left = deadline - time.monotonic()
    try:
        for record in consume(config, topic, starts, pending, max(left, 0)):
            records[record.partition].append(_seen(record))
            if time.monotonic() > deadline:
                return records, False
    except ReadStalledError:
        return records, False
    return records, True


def _seen(record: Record) -> Seen:
    value = record.value or b""
    event, text, problem = None, "", ""
    try:
        event = _shortened(decode(value))
    except msgspec.DecodeError as error:
        problem = str(error)
    except Exception as error:
        log.exception(
            "The record at offset %d of partition %d cannot be shown",
            record.offset,
            record.partition,
        )
        problem = repr(error)
    if event is None:
        text, problem = _escaped(value), _escaped(problem.encode(errors="replace"))
    where = record.partition, record.offset, record.timestamp, _escaped(record.key or b"")
    return Seen(*where, event, text, problem)


def _shortened(event: Venta) -> Venta:
    """Return the event with long texts cut: a text may have a megabyte."""
    long = {
        name: f"{value[: _LONGEST_FIELD - 1]}…"
        for name, value in msgspec.structs.asdict(event).items()
        if isinstance(value, str) and len(value) > _LONGEST_FIELD
    }
    return msgspec.structs.replace(event, **long) if long else event


def _escaped(data: bytes) -> str:
    """Return the start of the data as text, escaped."""
    return escaped(data[: _LONGEST + 4].decode("utf-8", "backslashreplace"), _LONGEST)

"""Find foreign records: committed records of the sales topic that no run in the ledger sent."""

import logging
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec

from include.sales.content import run_key
from include.sales.event import decode_json
from include.sales.faults import COPY
from include.stream.errors import StreamError
from include.stream.ledger import KnownRun, known_runs
from include.stream.reader import Identity, Record, read_committed
from include.texts import escaped, text

log = logging.getLogger(__name__)

MOST_NAMED: Final = 5
"""Number of foreign records that a report names; it counts all of them."""

SECONDS: Final = 30.0
"""Time limit of the search, in seconds."""

_BATCH = 10_000
"""Read the ledger again once this many records belong to no run that it knew at the last read."""

_LAST_READ = 1.0
"""Least time limit of a read, in seconds, even when the search has used up its own time."""

_LONGEST = 80
"""Number of characters of a value that are shown."""

_ID = re.compile(rf"e(?P<run>[0-9a-f]{{16}})-(?P<sale>\d{{12,18}})-[0-2](?P<copy>{COPY}?)")
_KEY = re.compile(rb"v(?P<run>[0-9a-f]{16})-(?P<sale>\d{12,18})")


class Foreign(NamedTuple):
    """Position and identity of a foreign record; texts are escaped, a missing one is ""."""

    partition: int
    offset: int
    id_evento: str
    corrida: str
    key: str

    def __str__(self) -> str:
        names = (("id", self.id_evento), ("run", self.corrida), ("key", self.key))
        parts = [text(f"foreign.{name}", value=value) for name, value in names if value]
        return text(
            "foreign.record",
            partition=self.partition,
            offset=self.offset,
            names=" ".join(parts) or text("foreign.nameless"),
        )


@dataclass
class ForeignRecords:
    """The foreign records of a topic.

    Attributes:
        count: number of foreign records found.
        first: the first `MOST_NAMED` of them.
        complete: whether the whole topic was read.
    """

    count: int = 0
    first: list[Foreign] = field(default_factory=list)
    complete: bool = True

    def __bool__(self) -> bool:
        return self.count > 0 or not self.complete

    def __str__(self) -> str:
        """Return a summary for Airflow's users; "" if there is nothing to report."""
        unread = text("foreign.unread")
        if not self.count:
            return "" if self.complete else text("foreign.unknown", unread=unread)
        records = [*map(str, self.first)]
        if self.count > len(self.first):
            records.append(text("foreign.more", count=self.count - len(self.first)))
        return text(
            "foreign.one" if self.count == 1 else "foreign.several",
            count=self.count,
            least="" if self.complete else text("foreign.least", unread=unread),
            records="; ".join(records),
        )

    def to_dict(self) -> dict[str, Any]:
        return {
            "count": self.count,
            "first": [record._asdict() for record in self.first],
            "complete": self.complete,
        }

    def add(self, record: Foreign) -> None:
        """Count a record, and keep it if it is among the first `MOST_NAMED`."""
        self.count += 1
        if len(self.first) < MOST_NAMED:
            self.first.append(record)


class _Claim(NamedTuple):
    """The run and sale that a record claims to be of, and whether it is a garbled copy."""

    run: str
    """The run's digest, from `run_key`."""
    sale: int
    garbled: bool


def foreign_records(
    config: Mapping[str, Any],
    topic: str,
    ledger_topic: str,
    *,
    since: datetime | None = None,
    seconds: float = SECONDS,
) -> ForeignRecords:
    """Find the committed records of `topic` that no run in the ledger sent.

    A record is known if its id and key name a sale of its run, and the ledger has entries of that
    run which cover that sale. A record that is malformed, or whose id marks a garbled copy, is
    known if its key names such a sale and the ledger counts garbled records of that run. A record
    that repeats the id, run and key of a real one is therefore not foreign, but a duplicate.

    Records with a Kafka timestamp before `since` are skipped (None: read all). The search stops
    after about `seconds`, and at the offsets where the topic ended at the call. If Kafka fails, the
    function logs why and returns the records found so far, with `complete` False.
    """
    deadline = time.monotonic() + seconds
    found = ForeignRecords()
    unsure: list[tuple[Foreign, _Claim]] = []

    def left() -> float:
        return max(deadline - time.monotonic(), _LAST_READ)

    def runs() -> dict[str, KnownRun]:
        known = known_runs(config, ledger_topic, since=since, time_limit=left())
        return {run_key(name): run for name, run in known.items()}

    def settle() -> None:
        # A run may have sent these records after the last read of the ledger: read it again.
        sent = runs() if unsure else {}
        for named, claim in unsure:
            if not _is_known(claim, sent):
                found.add(named)
        unsure.clear()

    try:
        known = runs()
        for record in read_committed(config, topic, since=since, time_limit=left()):
            claim = _claim(record)
            if claim is None:
                found.add(_named(record))
            elif not _is_known(claim, known):
                unsure.append((_named(record), claim))
            if len(unsure) >= _BATCH:
                settle()
        settle()
    except StreamError as error:
        log.warning("The search for foreign records in topic %r ended early: %s", topic, error)
        found.complete = False
    return found


def _is_known(claim: _Claim, runs: Mapping[str, KnownRun]) -> bool:
    run = runs.get(claim.run)
    return bool(run and claim.sale in run.sales and (run.garbled or not claim.garbled))


def _claim(record: Record) -> _Claim | None:
    """Return what the record claims to be; None if no run sends such a record."""
    key = _KEY.fullmatch(record.key or b"")
    if not key:
        return None
    run, sale = key["run"].decode(), int(key["sale"])
    try:
        event = decode_json(_IDENTITY, record.value or b"")
    except msgspec.DecodeError:
        return _Claim(run, sale, garbled=True)
    found = _ID.fullmatch(event.id_evento)
    if not found or (run, sale) != (found["run"], int(found["sale"])):
        return None
    return _Claim(run, sale, bool(found["copy"])) if run == run_key(event.corrida) else None


def _named(record: Record) -> Foreign:
    try:
        event = decode_json(_ANYTHING, record.value or b"")
    except msgspec.DecodeError:
        event = _Anything()
    key = escaped(_start(record.key or b""), _LONGEST)
    return Foreign(
        record.partition, record.offset, _text(event.id_evento), _text(event.corrida), key
    )


def _text(value: msgspec.Raw) -> str:
    """Return the start of a JSON value as text; a string loses its quotes."""
    return escaped(_start(bytes(value)).strip('"'), _LONGEST)


def _start(data: bytes) -> str:
    # A character has at most four bytes. One character more than is shown is kept, so that
    # `escaped` can mark a longer text as cut.
    return data[: 4 * (_LONGEST + 1)].decode("utf-8", "backslashreplace")


class _Anything(msgspec.Struct):
    """An event's id and run, each with a value of any type."""

    id_evento: msgspec.Raw = msgspec.Raw(b"")
    corrida: msgspec.Raw = msgspec.Raw(b"")


_IDENTITY = msgspec.json.Decoder(Identity)
_ANYTHING = msgspec.json.Decoder(_Anything)

"""Foreign records: committed records of the topic of sales that no run in the ledger sent."""

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
from include.stream.reader import Record, read_committed
from include.texts import escaped

log = logging.getLogger(__name__)

MOST_NAMED: Final = 5
"""Foreign records that are named; all of them are counted."""

SECONDS: Final = 30.0
"""Seconds that the search may take."""

_BATCH = 10_000
"""Records whose run the ledger does not have yet, before it is read again."""

_LAST_READ = 1.0
"""Seconds that a read of the ledger has, however long the topic took."""

_LONGEST = 80
"""Characters of a value that are shown."""

_ID = re.compile(rf"e(?P<run>[0-9a-f]{{16}})-(?P<sale>\d{{12,18}})-[0-2](?P<copy>{COPY}?)")
_KEY = re.compile(rb"v(?P<run>[0-9a-f]{16})-(?P<sale>\d{12,18})")


class Foreign(NamedTuple):
    """Where a foreign record is and what it says; texts are escaped, and "" if it has none."""

    partition: int
    offset: int
    id_evento: str
    corrida: str
    key: str

    def __str__(self) -> str:
        names = (("id", self.id_evento), ("corrida", self.corrida), ("clave", self.key))
        said = [f"{name} {value}" for name, value in names if value] or ["sin id ni clave"]
        return f"partición {self.partition} offset {self.offset} {' '.join(said)}"


@dataclass
class ForeignRecords:
    """The foreign records of a topic.

    Attributes:
        count: how many were found.
        first: the first `MOST_NAMED` that were found.
        complete: whether there was time to read all of the topic.
    """

    count: int = 0
    first: list[Foreign] = field(default_factory=list)
    complete: bool = True

    def __bool__(self) -> bool:
        return self.count > 0 or not self.complete

    def __str__(self) -> str:
        """Spanish, for Airflow's users; "" if there is nothing to tell."""
        unread = "no se llegó a leer todo el tópico"
        if not self.count:
            return "" if self.complete else f"registros que el libro no conoce: {unread}"
        names = "; ".join(map(str, self.first))
        more = f"; y {self.count - len(self.first)} más" if self.count > len(self.first) else ""
        what = "registro" if self.count == 1 else "registros"
        least = "" if self.complete else f" (o más: {unread})"
        return f"{self.count} {what} que el libro no conoce{least}: {names}{more}"

    def to_dict(self) -> dict[str, Any]:
        """Return it for an XCom."""
        return {
            "registros": self.count,
            "primeros": [record._asdict() for record in self.first],
            "completo": self.complete,
        }

    def add(self, record: Foreign) -> None:
        """Count a record, and name it if it is among the first."""
        self.count += 1
        if len(self.first) < MOST_NAMED:
            self.first.append(record)


class _Claim(NamedTuple):
    """What a record says that it is: an event, or a garbled copy, of a sale of a run."""

    run: str
    """As `run_key` has it."""
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

    A record is known if its id and its key are those of an event of its run, and the ledger has
    entries of that run up to that sale. A record that is no event, or whose id is a garbled copy's,
    is known if its key is such a sale's and the ledger counts garbled records of that run. So a
    record that repeats the id, run and key of a real one is not foreign: it counts as repeated.

    Records before `since`, by Kafka's timestamp, are passed over (None: none are). The search ends
    after so many `seconds`, and as a topic's end it takes the one at the call. It tells what it has
    found if Kafka does not answer, and logs why.
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
        # What was committed after the ledger was read is in the ledger by now.
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
        log.warning("The search for foreign records in %r is not complete: %s", topic, error)
        found.complete = False
    return found


def _is_known(claim: _Claim, runs: Mapping[str, KnownRun]) -> bool:
    run = runs.get(claim.run)
    return bool(run and claim.sale in run.sales and (run.garbled or not claim.garbled))


def _claim(record: Record) -> _Claim | None:
    """Return what the record says that it is; None if no run makes such a record."""
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
        said = decode_json(_ANYTHING, record.value or b"")
    except msgspec.DecodeError:
        said = _Anything()
    key = escaped(_start(record.key or b""), _LONGEST)
    return Foreign(record.partition, record.offset, _text(said.id_evento), _text(said.corrida), key)


def _text(value: msgspec.Raw) -> str:
    """Return the start of a JSON value: a text without its quotes, or what is in its place."""
    return escaped(_start(bytes(value)).strip('"'), _LONGEST)


def _start(data: bytes) -> str:
    # A sign has four bytes at most; of a longer text one sign more is kept, so that the cut shows.
    return data[: 4 * (_LONGEST + 1)].decode("utf-8", "backslashreplace")


class _Identity(msgspec.Struct):
    """The fields without which a record is no event of any run; the rest is skipped."""

    id_evento: str
    corrida: str
    ts: str


class _Anything(msgspec.Struct):
    """Two of these fields, whatever a record has in their place."""

    id_evento: msgspec.Raw = msgspec.Raw(b"")
    corrida: msgspec.Raw = msgspec.Raw(b"")


_IDENTITY = msgspec.json.Decoder(_Identity)
_ANYTHING = msgspec.json.Decoder(_Anything)

"""Foreign records: which records count as foreign, and how a report names them."""

from collections.abc import Iterable
from typing import Any

import msgspec
import pytest

from include.sales.content import SaleSource
from include.sales.event import Venta, encode
from include.sales.faults import GARBLED, garble
from include.sales.market import load_market
from include.stream import foreign as module
from include.stream import ledger
from include.stream.errors import KafkaUnreachableError
from include.stream.foreign import MOST_NAMED, Foreign, ForeignRecords, foreign_records
from include.stream.ledger import entries_for
from include.stream.reader import ReadStalledError, Record
from include.stream.topics import TopicMissingError
from tests.support.hostile_events import hostile_records
from tests.unit.stream.test_ledger import START

OURS = SaleSource(load_market(), 7, "c1")
OTHERS = SaleSource(load_market(), 7, "de nadie")
SALES = [event for n in range(3) for event in OURS.chain(n, START)]
CONFIG = {"bootstrap.servers": "127.0.0.1:1"}

Sent = tuple[bytes | None, bytes | None]


def sent(event: Venta, **changes: Any) -> Sent:
    changed = {**msgspec.to_builtins(event), **changes}
    return event.id_venta.encode(), msgspec.json.encode(changed)


class Topics:
    """Stand-in for the sales topic and its ledger; `reads` lists the reads of both."""

    def __init__(self) -> None:
        self.entries: list[Iterable[bytes]] = [map(ledger.encode, entries_for(SALES, 7))]
        self.sent: list[Sent] = [sent(event) for event in SALES]
        self.trouble: Exception | None = None
        self.reads: list[str] = []

    def read(self, _: object, topic: str, **__: Any) -> Iterable[Record]:
        self.reads.append(topic)
        if topic == "ledger":
            # Each read takes the next list of entries; the last list answers all later reads.
            values = list(self.entries[0])
            self.entries[0] = values
            if len(self.entries) > 1:
                self.entries.pop(0)
            return [Record(0, n, 0, b"c1", value) for n, value in enumerate(values)]
        return self._records()

    def _records(self) -> Iterable[Record]:
        for offset, (key, value) in enumerate(self.sent):
            yield Record(1, offset, 0, key, value)
        if self.trouble:
            raise self.trouble


@pytest.fixture
def topics(monkeypatch: pytest.MonkeyPatch) -> Topics:
    topics = Topics()
    monkeypatch.setattr(module, "read_committed", topics.read)
    monkeypatch.setattr(ledger, "read_committed", topics.read)
    return topics


def search() -> ForeignRecords:
    return foreign_records(CONFIG, "sales", "ledger")


def test_the_events_of_a_run_are_known(topics: Topics) -> None:
    found = search()
    assert (found.count, bool(found), str(found)) == (0, False, "")


LAST = SALES[-1]
KEY = LAST.id_venta.encode()

FOREIGN: dict[str, Sent] = {
    "a run that the ledger lacks": sent(OTHERS.chain(0, START)[0]),
    "a sale after the run's last one": sent(OURS.chain(3, START)[0]),
    "an id of no run": sent(LAST, id_evento="x"),
    "an id with a step that no sale has": sent(LAST, id_evento=f"{LAST.id_evento[:-1]}7"),
    "an id of another run": sent(LAST, id_evento=OTHERS.chain(2, START)[0].id_evento),
    "an id of another sale": sent(LAST, id_evento=SALES[0].id_evento),
    "a copy, of a run without faults": sent(LAST, id_evento=f"{LAST.id_evento}x"),
    "another run's name over a known id": sent(LAST, corrida="de nadie"),
    "no run": sent(LAST, corrida=None),
    "a known event under another key": (b"otra", encode(LAST)),
    "a known event without a key": (None, encode(LAST)),
    "a known event under another sale's key": (SALES[0].id_venta.encode(), encode(LAST)),
    "a tombstone": (b"otra", None),
    "nothing at all": (None, None),
    "a tombstone of a known sale": (KEY, None),
    "no JSON, under a known key": (KEY, b"esto no es JSON"),
    "a list": (KEY, b"[]"),
    "endless nesting": (KEY, b"[" * 1_000_000),
    "no text in UTF-8": (b"\xff", b"\xff"),
    "an empty value": (b"", b""),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_a_record_that_no_run_sent_is_named_by_partition_and_offset(
    topics: Topics, name: str
) -> None:
    topics.sent.insert(2, FOREIGN[name])
    found = search()
    assert (found.count, found.complete) == (1, True)
    assert (found.first[0].partition, found.first[0].offset) == (1, 2)
    assert str(found).startswith("1 registro que el libro no conoce: partición 1 offset 2 ")


def test_garbled_copies_of_a_run_with_faults_are_known(topics: Topics) -> None:
    entries = [msgspec.structs.replace(e, fallas={"truncado": 1}) for e in entries_for(SALES, 7)]
    topics.entries = [[*map(ledger.encode, entries)]]
    topics.sent += [(KEY, garble(kind, encode(LAST))) for kind in GARBLED]
    assert search().count == 0
    topics.sent.append((b"otra", garble("truncado", encode(LAST))))
    assert search().count == 1


def test_records_committed_during_the_search_are_known_by_their_later_entry(topics: Topics) -> None:
    later = OURS.chain(3, START)
    entries = [*map(ledger.encode, entries_for(SALES, 7))]
    topics.entries = [entries, [*entries, *map(ledger.encode, entries_for(later, 7))]]
    topics.sent += [sent(event) for event in later]
    assert search().count == 0
    assert topics.reads == ["ledger", "sales", "ledger"]


def test_ledger_is_read_again_for_each_batch_of_records_of_unknown_runs(
    topics: Topics, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_BATCH", 4)
    topics.sent += [sent(OTHERS.chain(n, START)[0]) for n in range(10)]
    found = search()
    assert (found.count, len(found.first)) == (10, MOST_NAMED)
    assert topics.reads == ["ledger", "sales", "ledger", "ledger", "ledger"]


def test_without_a_ledger_every_record_is_foreign(
    topics: Topics, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*_: Any, **__: Any) -> Iterable[Record]:
        raise TopicMissingError("no such topic")

    monkeypatch.setattr(ledger, "read_committed", missing)
    assert search().count == len(SALES)


def test_malformed_records_of_the_ledger_are_skipped(topics: Topics) -> None:
    topics.entries = [[b"", b"{}", b"\xff", *map(ledger.encode, entries_for(SALES, 7))]]
    assert search().count == 0


@pytest.mark.parametrize("trouble", [ReadStalledError("slow"), KafkaUnreachableError(CONFIG, 3)])
def test_incomplete_search_reports_what_it_found_and_logs_why(
    topics: Topics, trouble: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    topics.trouble = trouble
    assert str(search()) == "registros que el libro no conoce: no se llegó a leer todo el tópico"
    topics.sent.append((b"k", b"x"))
    assert str(search()) == (
        "1 registro que el libro no conoce (o más: no se llegó a leer todo el tópico): "
        f"partición 1 offset {len(SALES)} clave k"
    )
    assert str(trouble) in caplog.text


def named(offset: int, **texts: str) -> Foreign:
    return Foreign(0, offset, **{"id_evento": "", "corrida": "", "key": "", **texts})


def test_first_foreign_records_are_named_and_all_are_counted() -> None:
    found = ForeignRecords()
    for offset in range(17, 17 + MOST_NAMED + 2):
        found.add(named(offset, id_evento="x", corrida="r"))
    assert str(found).startswith(
        "7 registros que el libro no conoce: partición 0 offset 17 id x corrida r; partición 0 "
    )
    assert str(found).endswith("offset 21 id x corrida r; y 2 más")
    assert found.to_dict()["count"] == 7
    assert str(named(3)) == "partición 0 offset 3 sin id ni clave"


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ({"id_evento": "a\n\x1b[2J"}, r"id a\n\u001b[2J"),
        ({"id_evento": 7, "corrida": ["r"]}, 'id 7 corrida ["r"]'),
        ({"id_evento": "ñ" * 400_000}, f"id {'ñ' * 80}…"),
        ({"id_evento": None, "corrida": "r"}, "id null corrida r"),
    ],
)
def test_texts_of_a_foreign_record_are_shown_cut_and_on_one_line(
    topics: Topics, values: dict[str, Any], shown: str
) -> None:
    topics.sent = [(b"k\xff", msgspec.json.encode(values))]
    assert str(search().first[0]) == rf"partición 1 offset 0 {shown} clave k\xff"


def test_every_record_of_the_hostile_corpus_is_foreign(topics: Topics) -> None:
    records = hostile_records(lambda n: OTHERS.chain(n, START)[0], START)
    topics.sent += [(record.key, record.value) for record in records]
    assert search().count == len(records)

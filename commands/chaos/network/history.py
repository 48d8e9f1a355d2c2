"""History of a producer's transactions, and its proof against the records that Kafka holds.

A record is named by its topic and a text that no other record of the run has: a sale's event by its
id, a ledger entry by its JSON. A run that resumes sends a record again only if Kafka does not hold
it, so each record must be read once.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, NamedTuple

Outcome = Literal["acknowledged", "aborted", "unknown"]


class Sent(NamedTuple):
    """A record of a transaction; the records of a key must be read in the order of the history."""

    topic: str
    key: str
    name: str


class Transaction(NamedTuple):
    """A transaction that a producer began.

    Its outcome is unknown if the producer died, or if the client could not say whether Kafka
    committed it.
    """

    records: tuple[Sent, ...]
    outcome: Outcome


class Anomaly(NamedTuple):
    """A broken promise: its kind, the number of the transaction in the history, and a record."""

    kind: str
    transaction: int
    record: str


def anomalies(history: Sequence[Transaction], read: Sequence[Sent]) -> list[Anomaly]:
    """Compare the history with the records that a reader with ``read_committed`` sees.

    Args:
        history: the transactions, in the order in which they began.
        read: the records, each topic's partition by partition and in the order of the offsets.

    The kinds are ``lost``, ``duplicated``, ``aborted read``, ``torn``, ``out of order``, and
    ``unsent`` for a record that no transaction has.
    """
    return list(_anomalies(history, read))


def _anomalies(history: Sequence[Transaction], read: Sequence[Sent]) -> Iterator[Anomaly]:
    times = Counter(read)
    acknowledged = {record for t in history if t.outcome == "acknowledged" for record in t.records}
    possible = {record for t in history if t.outcome != "aborted" for record in t.records}
    last: dict[Sent, int] = {}
    for number, transaction in enumerate(history):
        last.update(dict.fromkeys(transaction.records, number))
    for record, number in last.items():
        if not times[record]:
            if record in acknowledged:
                yield Anomaly("lost", number, record.name)
        elif times[record] > 1:
            yield Anomaly("duplicated", number, record.name)
        elif record not in possible:
            yield Anomaly("aborted read", number, record.name)
    for number, transaction in enumerate(history):
        there = [bool(times[record]) for record in transaction.records]
        if any(there) and not all(there):
            missing = transaction.records[there.index(False)]
            yield Anomaly("torn", number, missing.name)
    for record in times.keys() - last.keys():
        yield Anomaly("unsent", -1, record.name)
    yield from _disorder(last, read)


def _disorder(last: dict[Sent, int], read: Iterable[Sent]) -> Iterator[Anomaly]:
    """Compare each key's order; duplicates, which are reported already, are skipped."""
    order = {record: place for place, record in enumerate(last)}
    newest: dict[tuple[str, str], int] = {}
    for record in dict.fromkeys(read):
        place = order.get(record, -1)
        group = (record.topic, record.key)
        if 0 <= place < newest.get(group, -1):
            yield Anomaly("out of order", last[record], record.name)
        newest[group] = max(place, newest.get(group, -1))

"""History of a producer's transactions, and its proof against the records that Kafka holds.

A record is named by its topic and a text that no other record of the run has: a sale's event by its
id, a ledger entry by its JSON. A run that resumes sends a record again only if Kafka does not hold
it, so each record must be read once.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

Outcome = Literal["acknowledged", "aborted", "unknown"]


class Sent(NamedTuple):
    """A record of a transaction; the records of a key must be read in the order of their steps."""

    topic: str
    key: str
    name: str
    step: int = 0


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

    The kinds are ``lost``, ``duplicated``, ``aborted read``, ``out of order``, ``unsent`` for a
    record that no transaction has, and ``torn`` for one whose transactions all lack a record.
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
    whole = {record for t in history if all(map(times.get, t.records)) for record in t.records}
    for record, number in last.items():
        if times[record] and record not in whole:
            yield Anomaly("torn", number, record.name)
    for record in times.keys() - last.keys():
        yield Anomaly("unsent", -1, record.name)
    newest: dict[tuple[str, str], int] = {}
    # Duplicates are reported already.
    for record in dict.fromkeys(read):
        key = (record.topic, record.key)
        if record.step < newest.get(key, 0):
            yield Anomaly("out of order", last.get(record, -1), record.name)
        newest[key] = max(record.step, newest.get(key, 0))

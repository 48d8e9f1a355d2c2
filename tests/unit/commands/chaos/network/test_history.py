"""The checker of histories finds each planted anomaly, and nothing else."""

import pytest

from commands.chaos.network.history import Outcome, Sent, Transaction, anomalies

TOPIC, LEDGER = "ventas", "ventas.ledger"


def sale(number: int, step: int = 0) -> Sent:
    return Sent(TOPIC, f"v{number}", f"e{number}-{step}", step)


def entry(number: int) -> Sent:
    return Sent(LEDGER, "run", f"entry {number}")


def sold(*records: Sent, outcome: Outcome = "acknowledged") -> Transaction:
    return Transaction(records, outcome)


FIRST = sold(sale(0), entry(0))
SECOND = sold(sale(0, 1), sale(1), entry(1))
READ = [sale(0), sale(0, 1), sale(1), entry(0), entry(1)]


@pytest.mark.parametrize(
    ("history", "read"),
    [
        ([FIRST, SECOND], READ),
        # The partitions of a topic have no common order.
        ([FIRST, SECOND], [sale(1), sale(0), sale(0, 1), entry(0), entry(1)]),
        # Kafka may have committed a transaction of unknown outcome, or not.
        ([FIRST, SECOND._replace(outcome="unknown")], READ),
        ([FIRST, SECOND._replace(outcome="unknown")], [sale(0), entry(0)]),
        # An aborted transaction is tried again; so is an unknown one that Kafka does not hold.
        ([FIRST._replace(outcome="aborted"), FIRST, SECOND], READ),
        ([FIRST, SECOND._replace(outcome="unknown"), SECOND], READ),
        ([FIRST, SECOND._replace(outcome="aborted")], [sale(0), entry(0)]),
        # Two producers of a run may send the same event with different others.
        ([FIRST, sold(sale(0, 1), entry(2), outcome="unknown"), SECOND], READ),
        ([], []),
    ],
)
def test_correct_history_has_no_anomaly(history: list[Transaction], read: list[Sent]) -> None:
    assert anomalies(history, read) == []


@pytest.mark.parametrize(
    ("history", "read", "kinds"),
    [
        ([FIRST, SECOND], [sale(0), entry(0)], {"lost"}),
        ([FIRST, SECOND], [*READ, sale(1)], {"duplicated"}),
        ([FIRST, SECOND], [*READ, entry(1)], {"duplicated"}),
        ([FIRST, SECOND._replace(outcome="aborted")], READ, {"aborted read"}),
        # The sale without its ledger entry, and the entry without its sale.
        ([FIRST, SECOND], READ[:-1], {"lost", "torn"}),
        ([FIRST, SECOND._replace(outcome="unknown")], READ[:-1], {"torn"}),
        ([FIRST._replace(outcome="unknown")], [entry(0)], {"torn"}),
        ([FIRST, SECOND], [sale(0, 1), sale(0), *READ[2:]], {"out of order"}),
        ([FIRST], READ, {"unsent"}),
    ],
)
def test_planted_anomaly_is_found(
    history: list[Transaction], read: list[Sent], kinds: set[str]
) -> None:
    assert {anomaly.kind for anomaly in anomalies(history, read)} == kinds


def test_anomaly_names_the_last_transaction_and_the_record() -> None:
    [found] = anomalies([FIRST, SECOND._replace(outcome="unknown"), SECOND], [*READ, entry(1)])
    assert found == ("duplicated", 2, "entry 1")

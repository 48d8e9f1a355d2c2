"""Transactions on a network that delays, repeats and loses requests: nothing torn, lost or twice.

Kafka's protocol lets a late EndTxn end a later transaction of the same producer epoch. A naive
producer loses sales that way; the project's publisher must not, here and in random schedules.
"""

import asyncio

import pytest

from commands.chaos.network.brokers import OneBroker
from commands.chaos.network.harms import Harm, Schedule, drawn
from commands.chaos.network.run import Findings, harness_of, prove_all
from commands.chaos.network.wire import Api
from include.stream.transactions import ProducerFencedError
from tests.support.brokers import OwnKafka
from tests.support.place import Place

_LONG = 30.0
"""Seconds after which a late request would arrive without its trigger, on a slow machine too."""


def late_end(nth: int, until: Api = Api.PRODUCE) -> Harm:
    """Let an EndTxn arrive in the next transaction, after its first request to Produce."""
    return Harm("late-request", Api.END_TXN, nth, _LONG, until, passing=1)


# The naive producer adds the ledger's partition to the transaction after it has sent the sales.
_LEDGER = Api.ADD_PARTITIONS_TO_TXN
LATE_ABORT = Schedule("an abort arrives before the ledger entry", 4, (late_end(3, _LEDGER),))
LATE_COMMIT = Schedule("a commit arrives before the ledger entry", 4, (late_end(2, _LEDGER),))

#: Each of these tears a transaction of a publisher that keeps its epoch after a commit in doubt.
WORST = [
    *(Schedule(f"commit {nth} arrives late", 4, (late_end(nth),)) for nth in (1, 2, 3)),
    Schedule("every commit arrives late", 4, tuple(late_end(nth) for nth in range(1, 9))),
    Schedule(
        "a commit arrives when another producer goes on",
        4,
        (late_end(2), Harm("replace", Api.PRODUCE, 6, 1.0)),
    ),
]
RANDOM = [drawn(1, number) for number in range(14)]


def prove(
    kafka: OwnKafka, schedules: list[Schedule], *, naive: bool = False
) -> dict[str, set[str]]:
    """Run schedules; return the kinds of anomalies by the name of each schedule that has any."""

    async def run() -> Findings:
        async with harness_of(kafka.config["bootstrap.servers"], OneBroker(kafka.pid)) as harness:
            return await prove_all(harness, schedules, naive=naive)

    findings = asyncio.run(run())
    assert findings.schedules == len(schedules)
    assert findings.harms.total() >= len(schedules)
    return {proof.schedule.name: {a.kind for a in proof.anomalies} for proof in findings.failed}


def test_naive_producer_loses_and_repeats_sales_by_a_late_end_of_a_transaction(
    own_kafka: OwnKafka,
) -> None:
    found = prove(own_kafka, [LATE_ABORT, LATE_COMMIT], naive=True)
    assert found[LATE_ABORT.name] >= {"lost", "torn"}
    assert "duplicated" in found[LATE_COMMIT.name]


def test_publisher_loses_and_repeats_nothing_whatever_the_network_does(
    own_kafka: OwnKafka,
) -> None:
    assert prove(own_kafka, [LATE_ABORT, LATE_COMMIT, *WORST, *RANDOM]) == {}


def test_publisher_that_renews_its_epoch_ends_if_a_newer_one_has_published(place: Place) -> None:
    with place.publisher() as first, place.publisher() as second, place.publisher() as third:
        first.open()
        first.commit(place.sales(0, 1))
        first._producer._doubtful = True
        second.open()
        second.commit(place.sales(1, 2))
        with pytest.raises(ProducerFencedError, match="has published"):
            first.commit(place.sales(1, 2))
        assert third.open().last == 1
        third.commit(place.sales(2, 3))
    assert [event.secuencia for event in sorted(place.events(), key=lambda e: e.ts)] == [0, 1, 2]

"""Reconcile a run between producer, Kafka and Druid: by event ids, or by sums if it is large."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from include.druid.client import DruidClient
from include.druid.queries import SQL, read_query
from include.druid.row_stats import RowStats
from include.sales.faults import FATES, Fate
from include.sales.sums import Cell, Sums
from include.texts import text

#: A run with more events is compared by sums, because its ids would fill the memory.
IDS_AT_MOST = 200_000

#: Seconds for the query of ids; a long run has tens of thousands of them.
_TIMEOUT = 60.0


@dataclass(frozen=True)
class Garbled:
    """Counts of the injected malformed records, expected and found.

    Attributes:
        unparseable_expected: records that Druid should count as unparseable.
        with_error_expected: records that Druid should count as processed with error.
        in_kafka: malformed records under the run's keys in Kafka; None if the topic was not read.
        unparseable: records that Druid counts as unparseable.
        with_error: records that Druid counts as processed with error.
    """

    unparseable_expected: int
    with_error_expected: int
    in_kafka: int | None
    unparseable: int
    with_error: int

    @property
    def equal(self) -> bool:
        """Whether the counts found equal the counts sent."""
        return (
            self.in_kafka in (None, self.unparseable_expected)
            and self.unparseable == self.unparseable_expected
            and self.with_error == self.with_error_expected
        )

    def __str__(self) -> str:
        in_kafka = text("reconciliation.in_kafka", count=self.in_kafka)
        return text(
            "reconciliation.malformed",
            unparseable=self.unparseable,
            unparseable_sent=self.unparseable_expected,
            in_kafka="" if self.in_kafka is None else in_kafka,
            with_error=self.with_error,
            with_error_sent=self.with_error_expected,
        )


def garbled(faults: Mapping[str, int], stats: RowStats, in_kafka: int | None) -> Garbled | None:
    """Compare Druid's counts with the injected malformed records; None if there were none."""
    if not any(faults.get(kind) for kind in FATES):
        return None
    expected = Counter[Fate]()
    for kind, fate in FATES.items():
        expected[fate] += faults.get(kind, 0)
    return Garbled(
        unparseable_expected=expected["unparseable"],
        with_error_expected=expected["processedWithError"],
        in_kafka=in_kafka,
        unparseable=stats.unparseable,
        with_error=stats.processedWithError,
    )


@dataclass(frozen=True)
class Reconciliation:
    """Counts of a run that must be equal, and the kinds of differences.

    Attributes:
        run: the run.
        committed: committed records, by the producer, that Druid must hold.
        in_kafka: records of the run that a `read_committed` consumer sees.
        in_druid: rows of the run in Druid.
        lost: events in Kafka that are missing in Druid.
        duplicated: events that are more often in Druid or Kafka than they were sent.
        surplus: events in Druid that are missing in Kafka.
        different_sums: cells (run, minute, state) with equal counts of events but different sums.
        malformed: injected malformed records; None if there were none.
    """

    run: str
    committed: int
    in_kafka: int
    in_druid: int
    lost: int
    duplicated: int
    surplus: int
    different_sums: int = 0
    malformed: Garbled | None = None

    @property
    def equal(self) -> bool:
        """Whether Kafka and Druid have every event as often as it was sent.

        Without injected faults that is once.
        """
        wrong = self.lost or self.duplicated or self.surplus or self.different_sums
        if wrong or (self.malformed and not self.malformed.equal):
            return False
        return self.committed == self.in_kafka == self.in_druid

    def to_dict(self) -> dict[str, Any]:
        """Return the counts and ``equal``, for an XCom."""
        return {**asdict(self), "equal": self.equal}

    def __str__(self) -> str:
        counts = text(
            "reconciliation.counts",
            committed=self.committed,
            in_kafka=self.in_kafka,
            in_druid=self.in_druid,
            lost=self.lost,
            duplicated=self.duplicated,
            surplus=self.surplus,
            different=self.different_sums,
        )
        return f"{counts}; {self.malformed}" if self.malformed else counts


def reconcile(
    run: str,
    committed: int,
    kafka: Mapping[str, int],
    druid: Mapping[str, int],
    repeated: int = 0,
) -> Reconciliation:
    """Compare how often Kafka and Druid have each event id.

    `repeated`: number of events that were sent twice as an injected fault.
    """
    often = {event for ids in (kafka, druid) for event, times in ids.items() if times > 1}
    twice = {event for event in often if kafka.get(event) == druid.get(event) == 2}
    return Reconciliation(
        run=run,
        committed=committed,
        in_kafka=sum(kafka.values()),
        in_druid=sum(druid.values()),
        lost=len(kafka.keys() - druid.keys()),
        duplicated=len(often - twice) + abs(len(twice) - repeated),
        surplus=len(druid.keys() - kafka.keys()),
    )


def reconcile_sums(
    run: str, committed: int, ledger: Mapping[Cell, Sums], druid: Mapping[Cell, Sums]
) -> Reconciliation:
    """Compare the ledger with Druid by minute and state; a duplicated event counts as surplus."""
    lost = surplus = other = 0
    for cell in {**ledger, **druid}:
        says, has = (side.get(cell, Sums()) for side in (ledger, druid))
        lost += max(says.eventos - has.eventos, 0)
        surplus += max(has.eventos - says.eventos, 0)
        other += says.eventos == has.eventos and says != has
    return Reconciliation(
        run=run,
        committed=committed,
        in_kafka=sum(sums.eventos for sums in ledger.values()),
        in_druid=sum(sums.eventos for sums in druid.values()),
        lost=lost,
        duplicated=0,
        surplus=surplus,
        different_sums=other,
    )


def druid_ids(client: DruidClient, datasource: str, run: str) -> Counter[str]:
    """Count how often Druid has each event id of a run.

    Raises:
        DruidError: Druid does not answer or refuses, or the datasource does not exist yet.
    """
    rows = client.sql(
        read_query(SQL / "reconcile" / "ids.sql", datasource), [run], timeout=_TIMEOUT
    )
    return Counter({row["id_evento"]: row["copies"] for row in rows})


def results_of_run(client: DruidClient, datasource: str, run: str) -> dict[str, Any]:
    """Return a run's results for the stores: totals, the first five products, the payment mix."""
    totals, products, payments = (
        client.sql(read_query(SQL / "reconcile" / f"{name}.sql", datasource), [run])
        for name in ("totals", "top_products", "payment_mix")
    )
    return {**totals[0], "products": products, "payments": payments}

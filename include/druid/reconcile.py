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
        ilegibles_esperadas: records that Druid should count as unparseable.
        con_error_esperadas: records that Druid should count as processed with error.
        en_kafka: malformed records under the run's keys in Kafka; None if the topic was not read.
        ilegibles: records that Druid counts as unparseable.
        con_error: records that Druid counts as processed with error.
    """

    ilegibles_esperadas: int
    con_error_esperadas: int
    en_kafka: int | None
    ilegibles: int
    con_error: int

    @property
    def agrees(self) -> bool:
        """Whether the counts found equal the counts sent."""
        return (
            self.en_kafka in (None, self.ilegibles_esperadas)
            and self.ilegibles == self.ilegibles_esperadas
            and self.con_error == self.con_error_esperadas
        )

    def __str__(self) -> str:
        in_kafka = text("reconciliation.in_kafka", count=self.en_kafka)
        return text(
            "reconciliation.malformed",
            unparseable=self.ilegibles,
            unparseable_sent=self.ilegibles_esperadas,
            in_kafka="" if self.en_kafka is None else in_kafka,
            with_error=self.con_error,
            with_error_sent=self.con_error_esperadas,
        )


def garbled(faults: Mapping[str, int], stats: RowStats, in_kafka: int | None) -> Garbled | None:
    """Compare Druid's counts with the injected malformed records; None if there were none."""
    if not any(faults.get(kind) for kind in FATES):
        return None
    expected = Counter[Fate]()
    for kind, fate in FATES.items():
        expected[fate] += faults.get(kind, 0)
    return Garbled(
        ilegibles_esperadas=expected["unparseable"],
        con_error_esperadas=expected["processedWithError"],
        en_kafka=in_kafka,
        ilegibles=stats.unparseable,
        con_error=stats.processedWithError,
    )


@dataclass(frozen=True)
class Reconciliation:
    """Counts of a run that must be equal, and the kinds of differences.

    Attributes:
        corrida: the run.
        confirmadas: committed records, by the producer, that Druid must hold.
        en_kafka: records of the run that a `read_committed` consumer sees.
        en_druid: rows of the run in Druid.
        perdidas: events in Kafka that are missing in Druid.
        duplicadas: events that are more often in Druid or Kafka than they were sent.
        sobrantes: events in Druid that are missing in Kafka.
        distintas: cells (run, minute, state) with equal counts of events but different sums.
        malformados: injected malformed records; None if there were none.
    """

    corrida: str
    confirmadas: int
    en_kafka: int
    en_druid: int
    perdidas: int
    duplicadas: int
    sobrantes: int
    distintas: int = 0
    malformados: Garbled | None = None

    @property
    def agrees(self) -> bool:
        """Whether Kafka and Druid have every event as often as it was sent.

        Without injected faults that is once.
        """
        wrong = self.perdidas or self.duplicadas or self.sobrantes or self.distintas
        if wrong or (self.malformados and not self.malformados.agrees):
            return False
        return self.confirmadas == self.en_kafka == self.en_druid

    def to_dict(self) -> dict[str, Any]:
        """Return the counts and ``coinciden``, for an XCom."""
        return {**asdict(self), "coinciden": self.agrees}

    def __str__(self) -> str:
        counts = text(
            "reconciliation.counts",
            committed=self.confirmadas,
            in_kafka=self.en_kafka,
            in_druid=self.en_druid,
            lost=self.perdidas,
            duplicated=self.duplicadas,
            surplus=self.sobrantes,
            different=self.distintas,
        )
        return f"{counts}; {self.malformados}" if self.malformados else counts


def reconcile(
    corrida: str,
    confirmadas: int,
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
        corrida=corrida,
        confirmadas=confirmadas,
        en_kafka=sum(kafka.values()),
        en_druid=sum(druid.values()),
        perdidas=len(kafka.keys() - druid.keys()),
        duplicadas=len(often - twice) + abs(len(twice) - repeated),
        sobrantes=len(druid.keys() - kafka.keys()),
    )


def reconcile_sums(
    corrida: str, confirmadas: int, ledger: Mapping[Cell, Sums], druid: Mapping[Cell, Sums]
) -> Reconciliation:
    """Compare the ledger with Druid by minute and state; a duplicated event counts as surplus."""
    lost = surplus = other = 0
    for cell in {**ledger, **druid}:
        says, has = (side.get(cell, Sums()) for side in (ledger, druid))
        lost += max(says.eventos - has.eventos, 0)
        surplus += max(has.eventos - says.eventos, 0)
        other += says.eventos == has.eventos and says != has
    return Reconciliation(
        corrida=corrida,
        confirmadas=confirmadas,
        en_kafka=sum(sums.eventos for sums in ledger.values()),
        en_druid=sum(sums.eventos for sums in druid.values()),
        perdidas=lost,
        duplicadas=0,
        sobrantes=surplus,
        distintas=other,
    )


def druid_ids(client: DruidClient, datasource: str, corrida: str) -> Counter[str]:
    """Count how often Druid has each event id of a run.

    Raises:
        DruidError: Druid does not answer or refuses, or the datasource does not exist yet.
    """
    rows = client.sql(
        read_query(SQL / "reconcile" / "ids.sql", datasource), [corrida], timeout=_TIMEOUT
    )
    return Counter({row["id_evento"]: row["veces"] for row in rows})


def results_of_run(client: DruidClient, datasource: str, corrida: str) -> dict[str, Any]:
    """Return a run's results for the stores: totals, the first five products, the payment mix."""
    totals, products, payments = (
        client.sql(read_query(SQL / "reconcile" / f"{name}.sql", datasource), [corrida])
        for name in ("totals", "top_products", "payment_mix")
    )
    return {**totals[0], "productos": products, "pagos": payments}

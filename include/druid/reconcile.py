"""Whether Kafka, the producer and Druid agree on a run: event by event, or by sums if it is big."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from include.druid.client import DruidClient
from include.druid.ledger import NOTHING, Cell, Sums
from include.druid.queries import read_query
from include.druid.row_stats import RowStats
from include.sales.faults import FATES, Fate

#: Above so many events a run is compared by its sums: ids alone would fill the memory.
IDS_AT_MOST = 200_000

#: Seconds; a long run has tens of thousands of ids.
_TIMEOUT = 60.0


@dataclass(frozen=True)
class Garbled:
    """Records that were garbled on purpose: how many Druid has to complain of, and does.

    Attributes:
        en_kafka: records under the run's keys that are no event; None if that was not read.
        ilegibles: what Druid counts as unparseable, of `ilegibles_esperadas`.
        con_error: what it counts as processed with error, of `con_error_esperadas`.
    """

    ilegibles_esperadas: int
    con_error_esperadas: int
    en_kafka: int | None
    ilegibles: int
    con_error: int

    @property
    def agrees(self) -> bool:
        """Whether exactly what was sent is found."""
        return (
            self.en_kafka in (None, self.ilegibles_esperadas)
            and self.ilegibles == self.ilegibles_esperadas
            and self.con_error == self.con_error_esperadas
        )

    def __str__(self) -> str:
        in_kafka = "" if self.en_kafka is None else f" ({self.en_kafka} en Kafka)"
        return (
            f"{self.ilegibles} ilegibles de {self.ilegibles_esperadas}{in_kafka}, "
            f"{self.con_error} con error de {self.con_error_esperadas}"
        )


def garbled(faults: Mapping[str, int], stats: RowStats, in_kafka: int | None) -> Garbled | None:
    """Compare Druid's counts with what was garbled on purpose; None if nothing was."""
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
    """The counts that must be equal, and what is wrong if they are not.

    Attributes:
        confirmadas: records that the producer knows to be committed and Druid is to hold.
        en_kafka: records of the run that a `read_committed` consumer sees.
        en_druid: rows of the run in Druid.
        perdidas: events that Kafka has and Druid lacks.
        duplicadas: events that are more often in Druid or Kafka than the ledger says.
        sobrantes: events that Druid has and Kafka lacks.
        distintas: run, minute and state with as many events, but other sums.
        malformados: what was garbled on purpose; None if nothing was.
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
        """Whether every event is everywhere as often as it was sent: once, but for faults."""
        wrong = self.perdidas or self.duplicadas or self.sobrantes or self.distintas
        if wrong or (self.malformados and not self.malformados.agrees):
            return False
        return self.confirmadas == self.en_kafka == self.en_druid

    def to_dict(self) -> dict[str, Any]:
        """For an XCom: the counts and ``coinciden``."""
        return {**asdict(self), "coinciden": self.agrees}

    def __str__(self) -> str:
        return (
            f"{self.confirmadas} confirmadas, {self.en_kafka} en Kafka, {self.en_druid} en Druid; "
            f"{self.perdidas} perdidas, {self.duplicadas} duplicadas, {self.sobrantes} sobrantes, "
            f"{self.distintas} sumas distintas"
            f"{f'; {self.malformados}' if self.malformados else ''}"
        )


def reconcile(
    corrida: str,
    confirmadas: int,
    kafka: Mapping[str, int],
    druid: Mapping[str, int],
    repeated: int = 0,
) -> Reconciliation:
    """Compare how often each event id is in Kafka and in Druid.

    `repeated`: how many of them were sent twice on purpose.
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
    """Compare the ledger with Druid by minute and state; an event that is twice is a surplus."""
    lost = surplus = other = 0
    for cell in {**ledger, **druid}:
        says, has = (side.get(cell, NOTHING) for side in (ledger, druid))
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
    """How often each event of a run is in Druid.

    Raises:
        DruidError: among others while the datasource has no row at all yet.
    """
    rows = client.sql(read_query("reconcile/ids", datasource), [corrida], timeout=_TIMEOUT)
    return Counter({row["id_evento"]: row["veces"] for row in rows})


def results_of_run(client: DruidClient, datasource: str, corrida: str) -> dict[str, Any]:
    """What the stores can see of a run: totals, the first five products, the payment mix."""
    totals, products, payments = (
        client.sql(read_query(f"reconcile/{name}", datasource), [corrida])
        for name in ("totals", "top_products", "payment_mix")
    )
    return {**totals[0], "productos": products, "pagos": payments}

"""Reconciliation at the end of a run: producer, Kafka and Druid must agree on every event."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow.sdk.exceptions import AirflowFailException

from include.texts import text
from include.waiting import Polling
from ventas_airflow import metrics
from ventas_airflow.operators.connections import DatasourceOperator, TopicOperator
from ventas_airflow.runs import Published, each_published, earliest_record

if TYPE_CHECKING:
    from airflow.sdk import Context

    from include.druid.reconcile import Garbled, Reconciliation
    from include.sales.sums import Cell, Sums
    from include.stream.foreign import ForeignRecords

#: Seconds between looks at Druid while rows are still to come.
_INTERVAL = 1.0


class _Published(NamedTuple):
    """Totals of the runs that are reconciled together."""

    runs: list[str]
    committed: int
    first_ts: str | None
    last_ts: str | None
    faults: Counter[str]

    @property
    def minutes(self) -> tuple[datetime, datetime]:
        """Start of the first event's minute, and end of the last event's minute."""
        first, last = (
            datetime.fromisoformat(ts).replace(second=0, microsecond=0) if ts else datetime.now(UTC)
            for ts in (self.first_ts, self.last_ts)
        )
        return first, last + timedelta(minutes=1)


class ReconcileOperator(TopicOperator, DatasourceOperator):
    """Compares a run in Kafka (`read_committed`) and in Druid until they agree, or the deadline.

    A single run is compared by event id. Several runs, or more than
    `include.druid.reconcile.IDS_AT_MOST` events, are compared by the ledger's sums, minute by
    minute. Records malformed on purpose are compared with the row counts of the ingestion tasks
    that have read since the run began.

    At the end it names the foreign records of the topic, which no run in the ledger sent
    (`include.stream.foreign`). Foreign records with this run's name are among the counts, so they
    fail the task; other foreign records are only a warning. If the run is compared by sums, the
    topic is searched only if they differ, since the search of a large topic takes minutes.

    :param published: what `PublishSalesOperator` returned, or a list of what each
        `LoadSalesOperator` or `FillDaysOperator` returned (templated)
    :param from_the_beginning: read the topics from their beginning, and not from the run's: an
        earlier run may have published the compared events
    :param timeout: seconds to wait for Druid, counted again whenever rows arrive or the
        supervisor's lag falls: the events of another run may come before this run's in the topic

    Returns `Reconciliation` as a dict, with the foreign records as ``foreign`` and the results of
    the run as ``results``; fails with the counts if they still differ at the deadline.
    """

    template_fields: Sequence[str] = (
        "published",
        "topic",
        "ledger_topic",
        "datasource",
        "kafka_conn_id",
        "druid_conn_id",
    )

    def __init__(
        self,
        *,
        published: Published,
        from_the_beginning: bool = False,
        timeout: float = 120.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.published = published
        self.from_the_beginning = from_the_beginning
        self.timeout = timeout

    def execute(self, context: Context) -> dict[str, Any]:
        """Compare until equal or until the deadline."""
        from include.druid.reconcile import IDS_AT_MOST, results_of_run

        published = self._published()
        since = None if self.from_the_beginning else earliest_record(context["dag_run"])
        by_ids = published.committed <= IDS_AT_MOST and len(published.runs) == 1
        found = self._wait((self._by_ids if by_ids else self._by_sums)(published, since))
        self.log.info("Reconciliation of run %s: %s", found.run, found)
        metrics.reconciled(found, self.dag_id)
        foreign = None if found.equal and not by_ids else self._foreign(since)
        if foreign:
            self.log.warning("%s", foreign)
        if not found.equal:
            counts = f"{found}; {foreign}" if foreign else found
            raise AirflowFailException(text("reconciliation.differs", found=counts))
        results = {}
        # Before the first sale ever, Druid has no datasource to query; results are of one run only.
        if found.in_druid and len(published.runs) == 1:
            client = self._druid()
            results = results_of_run(client, self.datasource, found.run)
        named = None if foreign is None else foreign.to_dict()
        return {**found.to_dict(), "foreign": named, "results": results}

    def _foreign(self, since: datetime | None) -> ForeignRecords:
        from include.stream.foreign import foreign_records

        return foreign_records(self._kafka_config(), self.topic, self.ledger_topic, since=since)

    def _published(self) -> _Published:
        several = each_published(self.published)
        if not several:
            raise AirflowFailException(
                text("reconciliation.nothing", published=repr(self.published))
            )
        moments = [run[name] for run in several for name in ("first_ts", "last_ts") if run[name]]
        return _Published(
            runs=sorted({run["run"] for run in several}),
            committed=sum(run["committed"] for run in several),
            first_ts=min(moments, default=None),
            last_ts=max(moments, default=None),
            # A result of a version without injected faults has no `faults`.
            faults=sum((Counter(run.get("faults", {})) for run in several), start=Counter()),
        )

    def _by_ids(
        self, published: _Published, since: datetime | None
    ) -> Callable[[], Reconciliation]:
        from include.druid.reconcile import druid_ids, reconcile
        from include.sales.content import run_key
        from include.stream.reader import ids_of_run

        [corrida] = published.runs
        kafka_config = self._kafka_config()
        kafka = ids_of_run(
            kafka_config, self.topic, corrida, since=since, key_prefix=f"v{run_key(corrida)}-"
        )
        client = self._druid()
        garbled = self._garbled(published, since, kafka.malformed)

        def compare() -> Reconciliation:
            ids: Mapping[str, int] = {}
            if kafka.times:
                ids = self._answer(lambda: druid_ids(client, self.datasource, corrida))
            return replace(
                reconcile(
                    corrida,
                    published.committed,
                    kafka.times,
                    ids,
                    published.faults["duplicado"],
                ),
                malformed=garbled(),
            )

        return compare

    def _by_sums(
        self, published: _Published, since: datetime | None
    ) -> Callable[[], Reconciliation]:
        from include.druid.ledger import druid_minutes
        from include.druid.reconcile import reconcile_sums
        from include.stream.ledger import read_sums

        kafka_config = self._kafka_config()
        ledger = read_sums(kafka_config, self.ledger_topic, published.runs, since=since)
        client = self._druid()

        def look() -> Mapping[Cell, Sums]:
            rows = druid_minutes(client, self.datasource, *published.minutes)
            return {cell: sums for cell, sums in rows.items() if cell.corrida in names}

        names = set(published.runs)
        several = text("reconciliation.several_runs", count=len(names))
        name = published.runs[0] if len(names) == 1 else several
        garbled = self._garbled(published, since, None)
        return lambda: replace(
            reconcile_sums(name, published.committed, ledger, self._answer(look)),
            malformed=garbled(),
        )

    def _garbled(
        self, published: _Published, since: datetime | None, in_kafka: int | None
    ) -> Callable[[], Garbled | None]:
        """Return a function that compares the malformed records with the tasks' row counts."""
        from include.druid.client import DruidError
        from include.druid.reconcile import garbled
        from include.druid.row_stats import RowStats, row_stats
        from include.stream.ledger import began_at

        if garbled(published.faults, RowStats(), None) is None:
            return lambda: None
        kafka_config = self._kafka_config()
        began = began_at(kafka_config, self.ledger_topic, published.runs, since=since)
        assert began  # noqa: S101 - the ledger that counts faults has entries
        client = self._druid()

        def look() -> Garbled | None:
            try:
                stats = row_stats(client, self.datasource, began)
            except DruidError as error:
                self.log.info("Druid has not reported its row counts yet: %s", error)
                stats = RowStats()
            return garbled(published.faults, stats, in_kafka)

        return look

    def _answer(self, look: Callable[[], Mapping[Any, Any]]) -> Mapping[Any, Any]:
        from include.druid.client import DruidError

        try:
            return look()
        except DruidError as error:
            # The datasource does not exist yet, or a server is restarting: ask until the deadline.
            self.log.info("Druid cannot answer for the run yet: %s", error)
            return {}

    def _wait(self, compare: Callable[[], Reconciliation]) -> Reconciliation:
        latest, nearest = "", float("inf")
        polling = Polling(self.timeout, interval=_INTERVAL)
        for _ in polling:
            found = compare()
            if found.equal:
                break
            lag = self._lag()
            if str(found) != latest or lag < nearest:
                # While rows of this or another run arrive, Druid is behind but not stuck.
                polling.restart()
                latest, nearest = str(found), min(nearest, lag)
                self.log.info(
                    "Kafka and Druid still differ: %s; Druid's lag is %g records", latest, lag
                )
        return found

    def _lag(self) -> float:
        """Return the number of records that Druid has still to read; infinite if not known."""
        from include.druid.client import DruidError

        try:
            status = self._druid().supervisor_status(self.datasource)
        except DruidError:
            return float("inf")
        return float(status["aggregateLag"])

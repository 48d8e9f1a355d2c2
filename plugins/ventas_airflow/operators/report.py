"""Operator that writes the report of the day at a window's end, «Cierre del día»."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from include.texts import chosen_language
from ventas_airflow.operators.connections import DatasourceOperator
from ventas_airflow.runs import Published, each_published

if TYPE_CHECKING:
    from airflow.sdk import Context

    from include.page.reports.day import Quality

_MINUTE = timedelta(minutes=1)


class WriteReportOperator(DatasourceOperator):
    """Stores the numbers of the day until the run's last event, and sends the key figures once.

    The day is the local day of the run's last event, with the sales of all runs. The report is sent
    by the connection of the alerts, if there is one; the task does not fail if it cannot be sent.

    :param published: as in `ReconcileOperator`
    :param reconciled: what `ReconcileOperator` returned; None if it failed or was not run

    Returns the report's name; skips if Druid has no sales at all.
    """

    template_fields: Sequence[str] = ("published", "reconciled", "datasource", "druid_conn_id")

    def __init__(
        self, *, published: Published, reconciled: Mapping[str, Any] | str | None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.published = published
        self.reconciled = reconciled

    def execute(self, context: Context) -> str:
        """Gather the numbers from Druid, store them, and send the message."""
        from include.druid.client import DatasourceMissingError
        from include.page.reports.gather import gather
        from include.page.reports.render import summary
        from ventas_airflow import reports
        from ventas_airflow.addresses import airflow_address
        from ventas_airflow.delivery import deliver
        from ventas_airflow.page.views import REPORTS

        quality = self._quality(context["run_id"])
        try:
            report = gather(self._druid(), self.datasource, self._end(), quality)
        except DatasourceMissingError as error:
            raise AirflowSkipException(f"There is nothing to report: {error}") from error
        name = reports.write(report)
        lines = [*summary(report, chosen_language()), airflow_address(f"{REPORTS}/{name}")]
        self.log.info("Report %s:\n%s", name, "\n".join(lines))
        deliver(lines[0], "\n".join(lines))
        return name

    def _end(self) -> datetime:
        """Return the end of the minute of the run's last event; now if it published none."""
        last = [run["last_ts"] for run in each_published(self.published) if run["last_ts"]]
        moment = datetime.fromisoformat(max(last)) if last else datetime.now(UTC)
        return moment.replace(second=0, microsecond=0) + _MINUTE

    def _quality(self, run: str) -> Quality:
        from include.page.reports.day import Quality

        several = each_published(self.published)
        faults = sum((Counter(it.get("faults", {})) for it in several), start=Counter[str]())
        found = self.reconciled if isinstance(self.reconciled, Mapping) else {}
        return Quality(
            run=run,
            reconciled=bool(found.get("equal")),
            committed=found.get("committed"),
            foreign=(found.get("foreign") or {}).get("count"),
            faults=dict(faults),
        )

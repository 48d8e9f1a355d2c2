"""Operator that sets compaction and retention of a Druid datasource, to keep it small."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from include.names import DRUID_RETENTION
from ventas_airflow.operators.connections import DatasourceOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class EnsureHousekeepingOperator(DatasourceOperator):
    """Sets compaction and retention of a datasource, and returns which of them it changed.

    The datasource need not exist yet. If both are set already, nothing changes.

    :param datasource: Druid datasource
    :param druid_conn_id: Druid ingest connection, whose host and port are the router's
    """

    template_fields: Sequence[str] = ("datasource", "druid_conn_id")

    def execute(self, context: Context) -> list[str]:  # noqa: ARG002
        """Set what differs; fail if Druid refuses or does not answer."""
        from airflow.sdk.exceptions import AirflowException

        from include.druid.client import DruidError
        from include.druid.housekeeping import ensure_housekeeping

        try:
            changed = ensure_housekeeping(self._druid(), self.datasource)
        except DruidError as error:
            raise AirflowException(str(error)) from error
        self.log.info(
            "Druid compacts past days of %s and keeps %d days (%s)",
            self.datasource,
            DRUID_RETENTION.days,
            f"changed: {', '.join(changed)}" if changed else "as before",
        )
        return changed

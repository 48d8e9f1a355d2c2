"""The sale producer as a long task: paced, resumable, and stopped within seconds."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowSkipException

from ventas_airflow.alerts import NOTICE
from ventas_airflow.operators.parameters import CADENCE, LOAD, WindowOperator
from ventas_airflow.operators.publishing import PublishingOperator
from ventas_airflow.runs import earliest_record
from ventas_airflow.shortfall import shortfall


class CheckSalesOperator(WindowOperator):
    """Refuses what the form's own schema cannot see, before a VM is started for nothing."""

    def execute(self, context: Context) -> None:
        """Fail with one sentence if a parameter is wrong."""
        dag_run = context["dag_run"]
        self._window(dag_run.run_id, dag_run.run_after)


class PublishSalesOperator(WindowOperator, PublishingOperator):
    """Publish each event when it is due until the window ends; the run's name is the DAG run's id.

    A retry or a cleared task goes on after the last event that Kafka acknowledged and keeps the
    window's end. With mode `load` it is skipped: `LoadSalesOperator` does that. A window that sold
    less than its cadence promises, as one that opened late, leaves a notice.

    Returns `include.stream.session.Published` as a dict.
    """

    template_fields: Sequence[str] = (
        *WindowOperator.template_fields,
        "kafka_conn_id",
        "topic",
        "ledger_topic",
    )

    def execute(self, context: Context) -> dict[str, Any]:
        """Publish until the end of the window, and return what the run has published."""
        from include.stream.session import publish_window

        if self.mode == LOAD:
            raise AirflowSkipException("En modo carga publica la tarea load_sales")
        dag_run = context["dag_run"]
        window = self._window(dag_run.run_id, dag_run.run_after)
        with self._publisher(context, window.source, window.delivery_timeout) as publisher:
            published = publish_window(
                publisher,
                window.source,
                until=window.until,
                pace=window.pace,
                stop=self._stop,
                begins=window.begins,
                since=earliest_record(context["dag_run"]),
                faults=window.faults,
            )
        self.log.info(
            "Fin de la ventana: %d ventas, %d eventos confirmados",
            published.ventas,
            published.confirmadas,
        )
        if lacking := self._lacking(published.ventas, window.until, dag_run.run_after):
            self.log.warning(lacking)
            context["ti"].xcom_push(key=NOTICE, value=lacking)
        return published.to_dict()

    def _lacking(self, ventas: int, until: datetime | timedelta, opened: datetime) -> str:
        """What was not sold; only a cadence without silences on purpose promises anything."""
        if self.mode != CADENCE or self._number("silences_pct"):
            return ""
        planned = until - opened if isinstance(until, datetime) else until
        gaps = self._number("minimum_gap"), self._number("maximum_gap")
        return shortfall(ventas, planned.total_seconds(), gaps)

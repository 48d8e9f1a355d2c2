"""The sale producer as a long task: it is paced, can resume, and stops within seconds."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowSkipException

from include.texts import text
from ventas_airflow import form
from ventas_airflow.alerts import NOTICE
from ventas_airflow.form import CADENCE, LOAD
from ventas_airflow.operators.parameters import WindowOperator
from ventas_airflow.operators.publishing import PublishingOperator
from ventas_airflow.runs import earliest_record
from ventas_airflow.shortfall import shortfall


class CheckSalesOperator(WindowOperator):
    """Refuses wrong values that the form's schema cannot detect, before the VM is started."""

    def execute(self, context: Context) -> None:
        """Fail with one sentence if a parameter is wrong."""
        dag_run = context["dag_run"]
        self._window(dag_run.run_id, dag_run.run_after)


class PublishSalesOperator(WindowOperator, PublishingOperator):
    """Publishes each event when it is due, until the window ends.

    The run's name is the DAG run's id.
    A retry or a cleared task goes on after the last event that Kafka acknowledged, and keeps the
    window's end. In mode `load` the task is skipped: `LoadSalesOperator` publishes. The task leaves
    a notice if the window sold less than its cadence promises, for example because it opened late.

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
            raise AirflowSkipException(text("publishing.other_task"))
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
                incidents=lambda begins: [plan.begun(begins) for plan in window.incidents],
            )
        self.log.info(
            "End of the window: %d sales, %d records acknowledged",
            published.sales,
            published.committed,
        )
        numbered = published.sales + published.omitted
        if lacking := self._lacking(numbered, window.until, dag_run.run_after):
            self.log.warning(lacking)
            context["ti"].xcom_push(key=NOTICE, value=lacking)
        return published.to_dict()

    def _lacking(self, sales: int, until: datetime | timedelta, opened: datetime) -> str:
        """Return the shortfall in words, '' for other modes and for windows with silences."""
        if self.mode != CADENCE or form.FAULTS["silencio"].number(self.silences_pct):
            return ""
        planned = until - opened if isinstance(until, datetime) else until
        return shortfall(sales, planned.total_seconds(), self._gaps())

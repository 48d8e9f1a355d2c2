"""The end of a window: the producer, Kafka and Druid must agree on every event."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException

from ventas_airflow.conditions import druid_client

if TYPE_CHECKING:
    from airflow.sdk import Context

    from include.druid.client import DruidClient
    from include.druid.reconcile import Reconciliation

#: Seconds between looks at Druid while rows are still to come.
_INTERVAL = 1.0


class ReconcileOperator(BaseOperator):
    """Compares a run by event id in Kafka (`read_committed`) and Druid, until equal or too late.

    :param published: what `PublishSalesOperator` returned (templated)
    :param timeout: seconds that Druid has to show every event

    Returns `Reconciliation` as a dict with ``resultados`` beside it; fails with the counts when
    they differ after the deadline.
    """

    template_fields: Sequence[str] = (
        "published",
        "topic",
        "datasource",
        "kafka_conn_id",
        "druid_conn_id",
    )

    def __init__(
        self,
        *,
        published: Mapping[str, Any] | str,
        topic: str = "ventas",
        datasource: str = "ventas",
        timeout: float = 120.0,
        kafka_conn_id: str = "kafka_default",
        druid_conn_id: str = "druid_ingest_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.published = published
        self.topic = topic
        self.datasource = datasource
        self.timeout = timeout
        self.kafka_conn_id = kafka_conn_id
        self.druid_conn_id = druid_conn_id

    def execute(self, context: Context) -> dict[str, Any]:
        """Compare until equal or until the deadline."""
        from include.druid.reconcile import results_of_run
        from include.stream.reader import ids_of_run
        from ventas_airflow.hooks.kafka import KafkaConfigHook

        if not isinstance(self.published, Mapping):
            raise AirflowFailException(f"No hay qué conciliar: published es {self.published!r}")
        corrida = self.published["corrida"]
        # A sale may be stamped a moment before the broker's clock says so.
        since = context["dag_run"].run_after - timedelta(minutes=10)
        kafka_config = KafkaConfigHook(self.kafka_conn_id).get_conn
        in_kafka = ids_of_run(kafka_config, self.topic, corrida, since=since)
        client = druid_client(self.druid_conn_id)
        found = self._wait(client, corrida, in_kafka.times)
        self.log.info("Conciliación de %s: %s", corrida, found)
        if not found.agrees:
            raise AirflowFailException(f"Kafka y Druid no coinciden: {found}")
        # Before the first sale ever, there is no datasource to ask.
        results = results_of_run(client, self.datasource, corrida) if in_kafka.times else {}
        return {**found.to_dict(), "resultados": results}

    def _wait(
        self, client: DruidClient, corrida: str, in_kafka: Mapping[str, int]
    ) -> Reconciliation:
        from include.druid.client import DruidError
        from include.druid.reconcile import druid_ids, reconcile

        assert isinstance(self.published, Mapping)  # noqa: S101 - checked by execute
        deadline = time.monotonic() + self.timeout
        told = ""
        while True:
            in_druid: Mapping[str, int] = {}
            try:
                in_druid = druid_ids(client, self.datasource, corrida) if in_kafka else {}
            except DruidError as error:
                # Not there yet, or a server is restarting: the deadline decides.
                self.log.info("Druid todavía no responde por la corrida: %s", error)
            found = reconcile(corrida, self.published["confirmadas"], in_kafka, in_druid)
            if found.agrees or time.monotonic() > deadline:
                return found
            if str(found) != told:
                told = str(found)
                self.log.info("Todavía no: %s", told)
            time.sleep(_INTERVAL)

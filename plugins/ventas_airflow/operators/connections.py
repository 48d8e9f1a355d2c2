"""Base classes of the operators of a topic or a datasource: their arguments, and their clients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from include.names import DATASOURCE, DRUID_CONNECTION, KAFKA_CONNECTION, LEDGER_TOPIC, TOPIC
from ventas_airflow.preconditions import druid_client

if TYPE_CHECKING:
    from include.druid.client import DruidClient


class TopicOperator(BaseOperator):
    """Base class of the operators of a topic of sales and of the topic of its ledger."""

    def __init__(
        self,
        *,
        topic: str = TOPIC,
        ledger_topic: str = LEDGER_TOPIC,
        kafka_conn_id: str = KAFKA_CONNECTION,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.topic = topic
        self.ledger_topic = ledger_topic
        self.kafka_conn_id = kafka_conn_id

    def _kafka_config(self) -> dict[str, Any]:
        return kafka_config(self.kafka_conn_id)


class DatasourceOperator(BaseOperator):
    """Base class of the operators of a Druid datasource, through the router of a connection."""

    def __init__(
        self, *, datasource: str = DATASOURCE, druid_conn_id: str = DRUID_CONNECTION, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.datasource = datasource
        self.druid_conn_id = druid_conn_id

    def _druid(self) -> DruidClient:
        return druid_client(self.druid_conn_id)


def kafka_config(kafka_conn_id: str) -> dict[str, Any]:
    """Return librdkafka's configuration of a connection; it may hold secrets."""
    from ventas_airflow.hooks.kafka import KafkaConfigHook

    config: dict[str, Any] = KafkaConfigHook(kafka_conn_id).get_conn
    return config

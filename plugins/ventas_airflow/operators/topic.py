"""Operator that creates the Kafka topics."""

from collections.abc import Mapping, Sequence
from typing import Any

from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from include.names import KAFKA_CONNECTION, TOPIC


class EnsureTopicsOperator(BaseOperator):
    """Creates the topics that are missing and returns their names.

    If the connection names a Schema Registry, the event's JSON Schema is published there for the
    values of `sales_topic`, one of the topics.

    `topics` maps each name to the keyword arguments of `include.stream.topics.ensure_topic`:
    `{"ventas": {"partitions": 3, "topic_config": {"retention.ms": "604800000"}}}`.
    """

    template_fields: Sequence[str] = ("kafka_conn_id", "topics", "sales_topic")

    def __init__(
        self,
        *,
        topics: Mapping[str, Mapping[str, Any]],
        sales_topic: str = TOPIC,
        kafka_conn_id: str = KAFKA_CONNECTION,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.topics = topics
        self.sales_topic = sales_topic
        self.kafka_conn_id = kafka_conn_id

    def execute(self, context: Context) -> list[str]:  # noqa: ARG002
        """Create what is missing; fail if a topic has too few partitions."""
        from include.stream.errors import KafkaUnreachableError, StreamError

        try:
            return self._ensure()
        except KafkaUnreachableError as error:
            raise AirflowException(str(error)) from error
        except StreamError as error:
            raise AirflowFailException(str(error)) from error

    def _ensure(self) -> list[str]:
        from include.stream.topics import ensure_topic
        from ventas_airflow.hooks.kafka import KafkaConfigHook

        hook = KafkaConfigHook(self.kafka_conn_id)
        created = []
        for name, settings in self.topics.items():
            if ensure_topic(hook.get_conn, name, **settings):
                self.log.info("Created topic %s", name)
                created.append(name)
            else:
                self.log.info("Topic %s exists already", name)
        if hook.registry:
            self._publish_schema(hook.registry)
        return created

    def _publish_schema(self, registry: dict[str, Any]) -> None:
        from include.sales.event import json_schema
        from include.stream.registry import publish_schema

        schema = publish_schema(registry, self.sales_topic, json_schema())
        self.log.info(
            "The Schema Registry has the JSON Schema of topic %s under the id %s",
            self.sales_topic,
            schema,
        )

"""Make sure that the Kafka topics exist."""

from collections.abc import Mapping, Sequence
from typing import Any

from airflow.sdk import BaseOperator, Context


class EnsureTopicsOperator(BaseOperator):
    """Create the topics that are missing and return the names of those created.

    `topics` maps each name to the keyword arguments of `include.stream.topics.ensure_topic`:
    `{"ventas": {"partitions": 3, "topic_config": {"retention.ms": "604800000"}}}`.
    """

    template_fields: Sequence[str] = ("kafka_conn_id", "topics")

    def __init__(
        self,
        *,
        topics: Mapping[str, Mapping[str, Any]],
        kafka_conn_id: str = "kafka_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.topics = topics
        self.kafka_conn_id = kafka_conn_id

    def execute(self, context: Context) -> list[str]:  # noqa: ARG002
        """Create what is missing; a topic with too few partitions fails the task."""
        from include.stream.topics import ensure_topic
        from ventas_airflow.hooks.kafka import KafkaConfigHook

        config = KafkaConfigHook(self.kafka_conn_id).get_conn
        created = []
        for name, settings in self.topics.items():
            if ensure_topic(config, name, **settings):
                self.log.info("Se creó el tópico %s", name)
                created.append(name)
            else:
                self.log.info("El tópico %s ya existe", name)
        return created

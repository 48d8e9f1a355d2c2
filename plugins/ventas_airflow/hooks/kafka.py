"""The Kafka connection's configuration, for clients that the provider has no hook for."""

from typing import Any

from airflow.providers.apache.kafka.hooks.base import KafkaBaseHook


class KafkaConfigHook(KafkaBaseHook):
    """`get_conn` is the connection's librdkafka configuration, with its callbacks resolved.

    It may hold secrets: pass it to a client, never to a log or an XCom.
    """

    def __init__(self, kafka_config_id: str = KafkaBaseHook.default_conn_name) -> None:
        super().__init__(kafka_config_id=kafka_config_id)  # type: ignore[no-untyped-call]

    def _get_client(self, config: dict[str, Any]) -> dict[str, Any]:
        return config

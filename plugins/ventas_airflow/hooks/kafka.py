"""The Kafka connection's configuration, for clients without a hook in the provider."""

from typing import Any, Final

from airflow.providers.apache.kafka.hooks.base import KafkaBaseHook
from airflow.sdk.log import mask_secret

_REGISTRY: Final = "schema.registry."


class KafkaConfigHook(KafkaBaseHook):
    """`get_conn` is the connection's librdkafka configuration, with its callbacks resolved.

    It may hold secrets: pass it to a client, never to a log or an XCom. The settings under
    ``schema.registry.`` are in `registry` and not in `get_conn`: Kafka's client does not know them.
    """

    def __init__(self, kafka_config_id: str = KafkaBaseHook.default_conn_name) -> None:
        super().__init__(kafka_config_id=kafka_config_id)  # type: ignore[no-untyped-call]

    @property
    def registry(self) -> dict[str, Any]:
        """The configuration of the Schema Registry's client; empty without a registry."""
        registry = self._split(self.get_connection(self.kafka_config_id).extra_dejson)[1]
        # Airflow masks sasl.password because of its name, but not this setting.
        if user := registry.get("basic.auth.user.info"):
            mask_secret(user)
        return registry

    def _get_client(self, config: dict[str, Any]) -> dict[str, Any]:
        return self._split(config)[0]

    @staticmethod
    def _split(config: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        kafka = {name: value for name, value in config.items() if not name.startswith(_REGISTRY)}
        registry = {
            name.removeprefix(_REGISTRY): value
            for name, value in config.items()
            if name.startswith(_REGISTRY)
        }
        return kafka, registry

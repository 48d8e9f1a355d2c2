"""The errors that the Kafka side of the project raises; each message is one sentence to act on."""

from collections.abc import Mapping
from typing import Any

from confluent_kafka import KafkaError


class StreamError(RuntimeError):
    """Kafka holds, or answered with, what the project cannot go on with."""


class KafkaUnreachableError(StreamError):
    """No broker answered in time; trying again later may help."""

    def __init__(self, config: Mapping[str, Any], waited: float, reason: str = "") -> None:
        super().__init__(
            f"Kafka at {config['bootstrap.servers']} did not answer within {waited:.1f} s"
            f"{f' ({reason})' if reason else ''}: check that the broker runs and that the "
            "connection's address and credentials are right"
        )


class KafkaRefusedError(StreamError):
    """The broker, or the client on its behalf, refused a request; `code` is Kafka's error code."""

    def __init__(self, config: Mapping[str, Any], what: str, error: KafkaError) -> None:
        super().__init__(f"Kafka at {config['bootstrap.servers']} cannot {what}: {error.str()}")
        self.code = error.code()

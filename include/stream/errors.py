"""The errors that the Kafka side of the project raises; each message is one sentence to act on."""

from collections.abc import Mapping
from typing import Any, Final

from confluent_kafka import KafkaError

from include.stream.diagnosis import diagnose

#: What the connection's user has no ACL for, by Kafka's error.
_ACL_FOR: Final = {
    KafkaError.TOPIC_AUTHORIZATION_FAILED: "topic",
    KafkaError.GROUP_AUTHORIZATION_FAILED: "consumer group",
    KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED: "transactional.id",
    KafkaError.CLUSTER_AUTHORIZATION_FAILED: "cluster",
}

NOT_ALLOWED: Final = frozenset(_ACL_FOR)
"""Codes of what no waiting mends: an ACL is missing."""

_LOGIN_REFUSED: Final = (KafkaError._AUTHENTICATION, KafkaError.SASL_AUTHENTICATION_FAILED)


class StreamError(RuntimeError):
    """Kafka holds, or answered with, what the project cannot go on with."""


class KafkaUnreachableError(StreamError):
    """No broker answered in time; trying again later may help."""

    def __init__(self, config: Mapping[str, Any], waited: float, reason: str = "") -> None:
        super().__init__(
            f"Kafka at {config['bootstrap.servers']} did not answer within {waited:.1f} s"
            f"{f' ({reason})' if reason else ''}: "
            + (
                diagnose(config)
                or "check that the broker runs and that the connection's address and credentials "
                "are right"
            )
        )


class KafkaEntryError(StreamError):
    """The client does not get in as it is configured; waiting does not help."""


class KafkaRefusedError(StreamError):
    """The broker, or the client on its behalf, refused a request; `code` is Kafka's error code."""

    def __init__(self, config: Mapping[str, Any], what: str, error: KafkaError) -> None:
        kafka = f"Kafka at {config['bootstrap.servers']}"
        if kind := _ACL_FOR.get(error.code()):
            message = (
                f"{kafka} does not let the connection's user {what}: give that user the ACLs of "
                f"docs/acls.md, one on the {kind} is missing"
            )
        else:
            message = f"{kafka} cannot {what}: {error.str()}"
        super().__init__(message)
        self.code = error.code()


class Complaints:
    """librdkafka's ``error_cb``: why there is no answer, which it tells nobody else."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        """Take the client's configuration, for what the complaints mean."""
        self._config = config
        self.latest = ""
        """The last one, in librdkafka's words."""
        self._hopeless: KafkaEntryError | None = None

    def __call__(self, error: KafkaError) -> None:
        """Note a complaint."""
        self.latest = error.str()
        if self._hopeless:
            return
        kafka = f"Kafka at {self._config['bootstrap.servers']}"
        if error.code() in _LOGIN_REFUSED:
            self._hopeless = KafkaEntryError(
                f"{kafka} refuses the connection's login: correct sasl.username and sasl.password "
                "(on Confluent Cloud, an API key of this cluster and its secret) and sasl.mechanism"
            )
        # A broker that ends in the middle of a handshake is one, too, and comes back.
        elif error.code() == KafkaError._SSL and (found := diagnose(self._config)):
            self._hopeless = KafkaEntryError(f"{kafka} cannot be talked to: {found}")

    def raise_if_hopeless(self) -> None:
        """Raise `KafkaEntryError` if the client will not get in however long it waits."""
        if self._hopeless:
            raise self._hopeless
